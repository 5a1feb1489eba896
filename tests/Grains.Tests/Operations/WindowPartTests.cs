using System.Globalization;
using FleetMdm.Grains.Operations;
using FleetMdm.Storage.Operations;
using FleetMdm.Storage.Schools;

namespace FleetMdm.Grains.Tests.Operations;

/// <summary>Windows of time by the clock of a school, also when the clock is changed.</summary>
public sealed class WindowPartTests
{
    private static readonly TimeZoneInfo Stockholm = TimeZoneInfo.FindSystemTimeZoneById("Europe/Stockholm");

    private static readonly SchoolHours[] Hours = [.. Enumerable.Range(1, 5).Select(day => new SchoolHours((DayOfWeek)day, 8 * 60, 15 * 60 + 30))];

    private static OperationWindow Every(string from, string to) => new()
    {
        Kind = OperationWindowKind.Daily,
        From = (int)TimeSpan.Parse(from, CultureInfo.InvariantCulture).TotalMinutes,
        To = (int)TimeSpan.Parse(to, CultureInfo.InvariantCulture).TotalMinutes,
        Days = Enum.GetValues<DayOfWeek>(),
    };

    private static DateTimeOffset At(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);

    private static void Check(OperationWindow window, string now, bool open, string next)
    {
        var ranges = WindowPart.Ranges(window, Hours);
        Assert.Equal(open, WindowPart.IsOpen(ranges, Stockholm, At(now)));
        Assert.Equal(At(next), WindowPart.NextOpening(ranges, Stockholm, At(now)));
    }

    [Theory]
    // A Tuesday in September: two hours before UTC.
    [InlineData("2026-09-01T07:00Z", false, "2026-09-01T13:30Z")]
    [InlineData("2026-09-01T13:29:59Z", false, "2026-09-01T13:30Z")]
    [InlineData("2026-09-01T13:30Z", true, "2026-09-02T13:30Z")]
    [InlineData("2026-09-01T21:59:59Z", true, "2026-09-02T13:30Z")]
    // After midnight it waits for the afternoon; over a weekend for Monday.
    [InlineData("2026-09-01T22:00Z", false, "2026-09-02T13:30Z")]
    [InlineData("2026-09-05T10:00Z", false, "2026-09-07T13:30Z")]
    // Over the change in autumn: Monday is one hour before UTC.
    [InlineData("2026-10-24T10:00Z", false, "2026-10-26T14:30Z")]
    // Over the change in spring.
    [InlineData("2026-03-28T10:00Z", false, "2026-03-30T13:30Z")]
    public void After_school_hours_is_from_their_end_to_midnight(string now, bool open, string next) =>
        Check(new OperationWindow { Kind = OperationWindowKind.AfterSchoolHours }, now, open, next);

    [Theory]
    [InlineData("2026-09-01T05:59:59Z", true, "2026-09-01T13:30Z")]
    [InlineData("2026-09-01T06:00Z", false, "2026-09-01T13:30Z")]
    [InlineData("2026-09-05T10:00Z", true, "2026-09-05T22:00Z")]
    public void Outside_lessons_is_all_that_the_hours_are_not(string now, bool open, string next) =>
        Check(new OperationWindow { Kind = OperationWindowKind.OutsideLessons }, now, open, next);

    [Theory]
    // On the 29th of March the clock goes from 02:00 to 03:00: what begins at 02:30 begins at 03:00.
    [InlineData("02:30", "04:00", "2026-03-29T00:59:59Z", false, "2026-03-29T01:00Z")]
    [InlineData("02:30", "04:00", "2026-03-29T01:00Z", true, "2026-03-30T00:30Z")]
    // What is only in the hour that is left out waits for the next day.
    [InlineData("02:10", "02:50", "2026-03-29T00:30Z", false, "2026-03-30T00:10Z")]
    // On the 25th of October it goes from 03:00 back to 02:00: what lies in that hour comes twice.
    [InlineData("02:10", "02:50", "2026-10-25T00:00Z", false, "2026-10-25T00:10Z")]
    [InlineData("02:10", "02:50", "2026-10-25T00:20Z", true, "2026-10-25T01:10Z")]
    [InlineData("02:10", "02:50", "2026-10-25T00:50Z", false, "2026-10-25T01:10Z")]
    [InlineData("02:10", "02:50", "2026-10-25T01:10Z", true, "2026-10-26T01:10Z")]
    // Over midnight.
    [InlineData("22:00", "05:00", "2026-09-01T19:00Z", false, "2026-09-01T20:00Z")]
    [InlineData("22:00", "05:00", "2026-09-02T02:59Z", true, null)]
    [InlineData("22:00", "05:00", "2026-09-02T03:00Z", false, "2026-09-02T20:00Z")]
    public void A_window_is_by_the_clock_on_the_wall(string from, string to, string now, bool open, string? next)
    {
        var ranges = WindowPart.Ranges(Every(from, to), Hours);
        Assert.Equal(open, WindowPart.IsOpen(ranges, Stockholm, At(now)));
        if (next is not null) Assert.Equal(At(next), WindowPart.NextOpening(ranges, Stockholm, At(now)));
    }

    [Fact]
    public void A_school_that_never_closes_never_opens_a_window()
    {
        var ranges = WindowPart.Ranges(new OperationWindow { Kind = OperationWindowKind.AfterSchoolHours }, [new SchoolHours(DayOfWeek.Monday, 0, 24 * 60)]);
        Assert.Null(WindowPart.NextOpening(ranges, Stockholm, At("2026-09-01T07:00Z")));
    }

    [Theory]
    [InlineData("02:30", "2026-03-28T12:00Z", "2026-03-29T01:00Z")]
    [InlineData("02:30", "2026-10-24T12:00Z", "2026-10-25T00:30Z")]
    [InlineData("02:30", "2026-10-25T00:30Z", "2026-10-26T01:30Z")]
    [InlineData("17:00", "2026-09-01T14:59Z", "2026-09-01T15:00Z")]
    [InlineData("17:00", "2026-09-01T15:00Z", "2026-09-02T15:00Z")]
    public void A_daily_time_comes_once_a_day(string time, string after, string next) =>
        Assert.Equal(At(next), WeeklyTime.Next((int)TimeSpan.Parse(time, CultureInfo.InvariantCulture).TotalMinutes, Enum.GetValues<DayOfWeek>(), Stockholm, At(after)));

    [Fact]
    public void A_weekly_time_waits_for_its_day() =>
        Assert.Equal(At("2026-09-04T15:00Z"), WeeklyTime.Next(17 * 60, [DayOfWeek.Friday], Stockholm, At("2026-09-01T07:00Z")));
}

/// <summary>When a wave ends, and when an operation stops by itself.</summary>
public sealed class WavePartTests
{
    private static readonly DateTimeOffset Now = new(2026, 9, 1, 7, 0, 0, TimeSpan.Zero);

    [Theory]
    // waiting, begun, acknowledged, failed, ended, hours since → verdict
    [InlineData(0, 10, 0, 0, 0, 0, "Stay", null)]
    [InlineData(0, 10, 8, 0, 8, 0, "Stay", null)]
    [InlineData(0, 10, 9, 0, 9, 0, "End", null)]
    [InlineData(0, 10, 8, 2, 10, 0, "End", null)]
    [InlineData(0, 10, 7, 3, 10, 0, "Stop", "3 of the first 10 failed")]
    [InlineData(0, 10, 0, 6, 6, 0, "Stop", "6 of the first 6 failed")]
    // Fewer than the sample say nothing yet, unless they are the whole wave.
    [InlineData(0, 10, 0, 4, 4, 0, "Stay", null)]
    [InlineData(0, 2, 1, 1, 2, 0, "Stop", "1 of the first 2 failed")]
    // It is judged while others of the wave wait for their school.
    [InlineData(50, 10, 0, 6, 6, 0, "Stop", "6 of the first 6 failed")]
    [InlineData(50, 10, 10, 0, 10, 0, "Stay", null)]
    // All have left.
    [InlineData(0, 0, 0, 0, 0, 0, "End", null)]
    // A day later: enough have answered, or too few to say.
    [InlineData(0, 10, 5, 0, 5, 24, "End", null)]
    [InlineData(0, 10, 4, 0, 4, 24, "Stop", "Only 4 of 10 in wave 1 answered within 24 hours")]
    public void A_wave_is_judged(long waiting, long begun, long acknowledged, long failed, long ended, int hours, string verdict, string? reason)
    {
        var pace = new OperationPace { StopPercent = 20 };
        var counts = new WaveCounts(waiting, begun, Now, acknowledged, failed, ended);
        var judged = WavePart.Judge(pace, new OperationWaveRow(1, 1, waiting + begun, Now, null), counts, excused: 0, Now.AddHours(hours));
        Assert.Equal((verdict, reason), (judged.Verdict.ToString(), judged.Reason));
    }

    [Fact]
    public void A_wave_whose_failures_were_accepted_is_not_judged_again()
    {
        var counts = new WaveCounts(0, 10, Now, 0, 10, 10);
        Assert.Equal(WaveVerdict.End, WavePart.Judge(new OperationPace { StopPercent = 20 }, new OperationWaveRow(2, 1, 10, Now, null), counts, excused: 2, Now).Verdict);
    }

    [Theory]
    [InlineData("10,10%,100%", 1000, "10,100,1000")]
    [InlineData("10,10%,100%", 50, "10,50")]
    [InlineData("10,10%", 1000, "10,100,1000")]
    [InlineData("10", 4, "4")]
    [InlineData("1%", 101, "2,101")]
    [InlineData("", 7, "7")]
    public void Waves_are_cut_from_the_number_of_iPads(string waves, long total, string ends) =>
        Assert.Equal(ends, string.Join(',', new OperationPace { Waves = waves.Split(',', StringSplitOptions.RemoveEmptyEntries) }.Ends(total)));
}
