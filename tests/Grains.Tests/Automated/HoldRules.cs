using System.Text;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Grains.Tests.Fixture;
using FleetMdm.Storage;
using FleetMdm.Storage.Automated;

namespace FleetMdm.Grains.Tests.Automated;

[Collection(nameof(OnSqlite))]
public sealed class HoldRulesOnSqlite(SqliteCluster cluster) : HoldRules(cluster, forgetful: false);

[Collection(nameof(OnSqlite))]
public sealed class HoldRulesOnSqliteForgetful(SqliteCluster cluster) : HoldRules(cluster, forgetful: true);

[Collection(nameof(OnPostgreSql))]
public sealed class HoldRulesOnPostgreSql(PostgresCluster cluster) : HoldRules(cluster, forgetful: false);

/// <summary>An iPad that waits in Setup Assistant, as its grain meets it.</summary>
public abstract class HoldRules(GrainCluster cluster, bool forgetful)
{
    private IAutomatedHoldStore Holds => cluster.Service<IAutomatedHoldStore>();

    private async Task<TestIPad> Waiting()
    {
        var ipad = new TestIPad(cluster, forgetful);
        Assert.Equal(DeviceRefusal.None, (await ipad.Authenticate()).Refusal);
        Assert.Equal(DeviceRefusal.None, (await Update(ipad)).Refusal);
        return ipad;
    }

    private async Task<DeviceReply> Update(TestIPad ipad)
    {
        if (ipad.Token.Length == 0) ipad.TakePushToken(cluster.Apns.Register(cluster.Topic));
        return await ipad.Grain.TokenUpdate(
            new TokenUpdateMessage { Topic = cluster.Topic, Token = ipad.Token, PushMagic = ipad.PushMagic, AwaitingConfiguration = true }, ipad.Certificate);
    }

    private static string? TypeOf(DeviceReply reply) => reply.Body is { } body && Encoding.UTF8.GetString(body) is var text && text.IndexOf("<key>RequestType</key>", StringComparison.Ordinal) is >= 0 and var at
        ? text[(text.IndexOf("<string>", at, StringComparison.Ordinal) + 8)..text.IndexOf("</string>", at, StringComparison.Ordinal)] : null;

    private static string UuidOf(DeviceReply reply)
    {
        var text = Encoding.UTF8.GetString(reply.Body!);
        var at = text.IndexOf("<key>CommandUUID</key>", StringComparison.Ordinal);
        return text[(text.IndexOf("<string>", at, StringComparison.Ordinal) + 8)..text.IndexOf("</string>", at, StringComparison.Ordinal)];
    }

    private static async Task<DeviceReply> Answer(TestIPad ipad, DeviceReply command, ReportStatus status = ReportStatus.Acknowledged) =>
        await ipad.Grain.Report(new CommandReportMessage { Status = status, CommandUuid = UuidOf(command) }, ipad.Certificate);

    private static async Task<DeviceReply> Idle(TestIPad ipad) => await ipad.Grain.Report(CommandReportMessage.Idle, ipad.Certificate);

    /// <summary>Through the question what it is, if it is asked.</summary>
    private static async Task<DeviceReply> Next(TestIPad ipad)
    {
        var reply = await Idle(ipad);
        return TypeOf(reply) == "DeviceInformation" ? await Answer(ipad, reply) : reply;
    }

    [Fact]
    public async Task An_iPad_to_which_nothing_is_assigned_is_let_go_at_once()
    {
        using var ipad = await Waiting();
        Assert.Equal(HoldState.Held, (await Holds.Find(ipad.Id))!.State);

        var command = await Next(ipad);
        Assert.Equal("DeviceConfigured", TypeOf(command));
        Assert.Equal(HoldState.Going, (await Holds.Find(ipad.Id))!.State);
        Assert.Null(TypeOf(await Answer(ipad, command)));

        var hold = await Holds.Find(ipad.Id);
        Assert.Equal((HoldState.LetGo, null), (hold!.State, hold.Missing));
        Assert.Null(TypeOf(await Idle(ipad)));
    }

    [Fact]
    public async Task An_error_says_that_it_went_before_and_it_is_told_no_more()
    {
        using var ipad = await Waiting();
        Assert.Null(TypeOf(await Answer(ipad, await Next(ipad), ReportStatus.Error)));
        Assert.Equal(HoldState.LetGo, (await Holds.Find(ipad.Id))!.State);
        Assert.Null(TypeOf(await Idle(ipad)));
    }

    [Fact]
    public async Task One_that_says_again_that_it_waits_is_told_again()
    {
        using var ipad = await Waiting();
        await Answer(ipad, await Next(ipad));
        cluster.Clock.Advance(TimeSpan.FromMinutes(1));
        // It restarted in the middle: the same enrolment says other tokens.
        ipad.TakePushToken(cluster.Apns.Register(cluster.Topic));
        Assert.Equal(DeviceRefusal.None, (await Update(ipad)).Refusal);

        var command = await Next(ipad);
        Assert.Equal("DeviceConfigured", TypeOf(command));
        await Answer(ipad, command);
        Assert.Null(TypeOf(await Idle(ipad)));
    }

    [Fact]
    public async Task What_says_NotNow_holds_it_up_until_its_time_and_then_it_stands_on_the_list()
    {
        using var ipad = await Waiting();
        var order = new CommandOrder { CommandUuid = Guid.NewGuid().ToString("D").ToUpperInvariant(), RequestType = "SecurityInfo", Command = "<dict><key>RequestType</key><string>SecurityInfo</string></dict>"u8.ToArray(), Push = false };
        Assert.Equal(EnqueueOutcome.Accepted, (await ipad.Grain.Enqueue(order)).Outcome);
        var command = await Idle(ipad);
        Assert.Equal("SecurityInfo", TypeOf(command));
        await Answer(ipad, command, ReportStatus.NotNow);
        Assert.Equal(HoldState.Held, (await Holds.Find(ipad.Id))!.State);
        await ipad.Grain.ReleaseHeld();
        Assert.Equal(HoldState.Held, (await Holds.Find(ipad.Id))!.State);

        cluster.Clock.Advance(TimeSpan.FromMinutes(31));
        Assert.Contains(ipad.Id, await Holds.ListDue(cluster.Clock.GetUtcNow(), 1_000));
        await ipad.Grain.ReleaseHeld();
        var hold = await Holds.Find(ipad.Id);
        Assert.Equal(HoldState.GoingIncomplete, hold!.State);
        Assert.Equal("one command of its queue", hold.Missing);
        // The question what it is comes no more: the one that lets it go is in the queue.
        var next = await Idle(ipad);
        if (TypeOf(next) == "SecurityInfo") next = await Answer(ipad, next, ReportStatus.NotNow);
        if (TypeOf(next) == "DeviceInformation") next = await Answer(ipad, next);
        Assert.Equal("DeviceConfigured", TypeOf(next));
        await Answer(ipad, next);
        Assert.Equal(HoldState.LetGoIncomplete, (await Holds.Find(ipad.Id))!.State);
        Assert.Contains(await Holds.List(Scope.District, HoldState.LetGoIncomplete, null, 1_000), row => row.Hold.DeviceId == ipad.Id);
    }

    [Fact]
    public async Task Its_answer_counts_also_when_the_node_dies_before_that_is_written()
    {
        using var ipad = await Waiting();
        await Answer(ipad, await Next(ipad));
        await Holds.Write((await Holds.Find(ipad.Id))! with { State = HoldState.GoingIncomplete, Missing = "the Wi-Fi", EndedAt = null });

        cluster.Clock.Advance(TimeSpan.FromMinutes(31));
        Assert.Contains(ipad.Id, await Holds.ListDue(cluster.Clock.GetUtcNow(), 1_000));
        await ipad.Grain.ReleaseHeld();

        var hold = await Holds.Find(ipad.Id);
        Assert.Equal((HoldState.LetGoIncomplete, "the Wi-Fi"), (hold!.State, hold.Missing));
        Assert.DoesNotContain(ipad.Id, await Holds.ListDue(cluster.Clock.GetUtcNow(), 1_000));
    }

    [Fact]
    public async Task One_that_left_is_held_no_more()
    {
        using var ipad = await Waiting();
        await ipad.Grain.CheckOut(ipad.Certificate);
        cluster.Clock.Advance(TimeSpan.FromHours(1));
        await ipad.Grain.ReleaseHeld();
        Assert.Equal(HoldState.Left, (await Holds.Find(ipad.Id))!.State);
    }
}
