using FleetMdm.Grains.Devices;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Grains.Tests.Devices;

/// <summary>The rules of the queue, without a grain.</summary>
public sealed class QueuePartTests
{
    private static readonly DateTimeOffset Now = new(2026, 3, 2, 8, 0, 0, TimeSpan.Zero);

    private static readonly TimeSpan FirstPause = TimeSpan.FromMinutes(5);

    private static readonly QueuedRow Row = new()
    {
        Sequence = 1,
        CommandUuid = "8F4E2C60-0B63-4B52-8E0B-3A9E1D6C7A11",
        RequestType = "ProfileList",
        BodyHash = [1],
        AcceptedAt = Now.AddHours(-1),
    };

    [Fact]
    public void A_command_whose_turn_it_is_is_handed_over() => Assert.Null(QueuePart.Judge(Row with { ExpiresAt = Now.AddSeconds(1) }, Now));

    [Fact]
    public void One_that_expires_at_this_moment_is_not() =>
        Assert.Equal(CommandEnding.Expired, QueuePart.Judge(Row with { ExpiresAt = Now }, Now)?.Ending);

    [Fact]
    public void A_cancelled_operation_comes_before_expiry_since_a_person_wants_to_read_it() =>
        Assert.Equal(CommandEnding.Cancelled, QueuePart.Judge(Row with { OperationCancelled = true, ExpiresAt = Now }, Now)?.Ending);

    [Theory]
    [InlineData("ProfileList", 9, false)]
    [InlineData("ProfileList", 10, true)]
    [InlineData("EraseDevice", 1, false)]
    [InlineData("EraseDevice", 2, true)]
    public void One_that_is_never_answered_ends_after_so_many_times(string requestType, int times, bool ends) =>
        Assert.Equal(ends ? CommandEnding.Error : null, QueuePart.Judge(Row with { RequestType = requestType, UnansweredCount = times, UnansweredAt = Now }, Now)?.Ending);

    [Fact]
    public void NotNow_is_an_answer_so_that_silence_is_counted_anew()
    {
        var silent = QueuePart.PassedOver(QueuePart.PassedOver(Row, Now), Now);
        Assert.Equal(2, silent.UnansweredCount);
        var putOff = QueuePart.PutOff(silent, Now);
        Assert.Equal((0, null, 1, Now), (putOff.UnansweredCount, putOff.UnansweredAt, putOff.NotNowCount, putOff.NotNowAt));
    }

    [Theory]
    [InlineData(1, 5)]
    [InlineData(2, 10)]
    [InlineData(4, 40)]
    [InlineData(5, 60)]
    [InlineData(500, 60)]
    public void The_pause_doubles_with_each_NotNow_up_to_an_hour(int notNows, int minutes) =>
        Assert.Equal(TimeSpan.FromMinutes(minutes), QueuePart.OwedAfter([Row with { NotNowCount = notNows }], FirstPause, Now));

    [Fact]
    public void What_was_set_aside_and_is_due_is_not_due_before_a_second_has_passed() =>
        Assert.Equal(TimeSpan.FromSeconds(1), QueuePart.OwedAfter([Row with { UnansweredCount = 5, UnansweredAt = Now.AddDays(-1) }], FirstPause, Now));

    [Fact]
    public void The_one_whose_pause_ends_first_decides()
    {
        var putOff = Row with { NotNowCount = 5, NotNowAt = Now };
        var aside = Row with { Sequence = 2, UnansweredCount = 5, UnansweredAt = Now };
        Assert.Equal(TimeSpan.FromMinutes(5), QueuePart.OwedAfter([putOff, aside], FirstPause, Now));
    }
}
