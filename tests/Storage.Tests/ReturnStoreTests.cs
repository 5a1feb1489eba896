using System.Text;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Enrolment;
using FleetMdm.Storage.Operations;
using FleetMdm.Storage.Returns;

namespace FleetMdm.Storage.Tests;

public sealed class PostgresReturnStoreTests(PostgresFixture fixture) : ReturnStoreTests(fixture), IClassFixture<PostgresFixture>;

public sealed class SqliteReturnStoreTests(SqliteFixture fixture) : ReturnStoreTests(fixture), IClassFixture<SqliteFixture>;

/// <summary>iPads that are erased to come back, as rows.</summary>
public abstract class ReturnStoreTests(StoreFixture fixture)
{
    private static readonly DateTimeOffset Day = Make.Now.AddDays(1);

    private Node Node => fixture.Node;

    private IReturnStore Store => fixture.Node.Returns;

    private async Task<OperationAppend> Begin(IReadOnlyList<string> ids, OperationPace? pace = null, Scope? scope = null, bool keepApps = false)
    {
        var operation = new OperationAppend
        {
            Id = Guid.NewGuid().ToString(),
            CommandUuid = Make.Id(),
            RequestType = "EraseDevice",
            Body = Encoding.UTF8.GetBytes("<dict>erase</dict>"),
            AcceptedAt = Make.Now,
            RequestedBy = "ada",
            Ids = ids,
            Pace = pace,
            Scope = scope ?? Scope.District,
            Return = new ReturnAppend("wifi-id", "School Wi-Fi", 4, keepApps, $"return-{Make.Id()}"),
        };
        await Node.Operations.Append(operation);
        return operation;
    }

    private async Task<ReturnState> StateOf(OperationAppend operation, string id, DateTimeOffset? now = null) =>
        (await Store.ListDevices(operation.Id, null, null, now ?? Make.Now, null, 100)).Single(row => row.DeviceId == id).State;

    private async Task Finish(OperationAppend operation, string id, CommandEnding ending)
    {
        var row = Assert.Single((await Node.Devices.Load(id)).Queue, one => one.CommandUuid == operation.CommandUuid);
        await Node.Devices.Finish(Make.Finish(id, row.Sequence, ending, row.BodyHash));
    }

    [Fact]
    public async Task An_iPad_waits_is_told_erases_itself_is_missing_and_comes_back()
    {
        var ipad = await Make.Enrolled(Node, row => row with { School = "Elm", DeviceName = "Elm 7" });
        var operation = await Begin([ipad.Id]);
        Assert.Equal(ReturnState.Waiting, await StateOf(operation, ipad.Id));
        Assert.Null(await Store.FindAway(ipad.Id));

        var found = await Store.HandOver(ipad.Id, operation.CommandUuid, Make.Now);
        Assert.Equal((operation.Id, "wifi-id", 4, operation.Return!.InvitationId), (found!.Id, found.WifiProfileId, found.Hours, found.InvitationId));
        Assert.Equal(ReturnState.Told, await StateOf(operation, ipad.Id));
        Assert.Equal(("Elm 7", false), ((await Store.FindAway(ipad.Id))!.DeviceName, (await Store.FindAway(ipad.Id))!.KeepsApps));
        Assert.Equal(ReturnState.Missing, await StateOf(operation, ipad.Id, Make.Now.AddHours(4)));

        await Store.Erased(ipad.Id, operation.CommandUuid, Make.Now.AddHours(1));
        await Finish(operation, ipad.Id, CommandEnding.Acknowledged);
        Assert.Equal(ReturnState.Erased, await StateOf(operation, ipad.Id, Make.Now.AddHours(4)));
        Assert.Equal(ReturnState.Missing, await StateOf(operation, ipad.Id, Make.Now.AddHours(5)));
        // What was said late does not take the erasure back.
        await Store.TakeBack(ipad.Id, operation.CommandUuid);
        Assert.Null(await Store.HandOver(ipad.Id, operation.CommandUuid, Day));

        await Store.CameBack(ipad.Id, operation.Return.InvitationId, Day);
        // Twice: it was erased again by hand.
        await Store.CameBack(ipad.Id, null, Day.AddDays(9));
        var row = Assert.Single(await Store.ListDevices(operation.Id, ReturnState.Back, "Elm", Day, null, 10));
        Assert.Equal((Day, ReturnedBy.OwnProfile, Make.Now.AddHours(1), "Elm 7"), (row.ReturnedAt, row.ReturnedBy, row.ErasedAt, row.DeviceName));
        Assert.Null(await Store.FindAway(ipad.Id));
        Assert.Empty(await Store.ListDevices(operation.Id, ReturnState.Back, "Oak", Day, null, 10));
    }

    [Fact]
    public async Task An_iPad_that_answers_an_error_was_not_erased_and_one_that_never_answered_and_is_back_was()
    {
        var (failed, silent) = (await Make.Enrolled(Node), await Make.Enrolled(Node));
        var operation = await Begin([failed.Id, silent.Id]);
        foreach (var ipad in new[] { failed, silent }) await Store.HandOver(ipad.Id, operation.CommandUuid, Make.Now);
        await Store.TakeBack(failed.Id, operation.CommandUuid);
        await Finish(operation, failed.Id, CommandEnding.Error);
        Assert.Equal(ReturnState.Failed, await StateOf(operation, failed.Id, Day));

        // It enrols for another reason: it did not come back, since it never went.
        await Store.CameBack(failed.Id, null, Day);
        Assert.Equal(ReturnState.Failed, await StateOf(operation, failed.Id, Day));
        await Store.CameBack(silent.Id, "somebody's", Day);
        var row = (await Store.ListDevices(operation.Id, ReturnState.Back, null, Day, null, 10)).Single();
        Assert.Equal((silent.Id, ReturnedBy.Another, Make.Now), (row.DeviceId, row.ReturnedBy, row.ErasedAt));
    }

    [Fact]
    public async Task Of_a_paced_one_all_iPads_are_written_down_and_what_is_cancelled_ends()
    {
        var (first, second) = (await Make.Enrolled(Node), await Make.Enrolled(Node));
        var operation = await Begin([first.Id, second.Id], new OperationPace { Waves = ["1", "100%"] });
        Assert.Equal(ReturnState.NotBegun, await StateOf(operation, first.Id));
        Assert.Equal(ReturnState.NotBegun, await StateOf(operation, second.Id));
        await Node.Operations.Cancel(operation.Id, Make.Now);
        Assert.Equal(ReturnState.Ended, await StateOf(operation, first.Id));
        var row = (await Store.Find(Scope.District, operation.Id))!;
        Assert.Equal((2, Make.Now, true), (row.Total, row.CancelledAt, row.IsPaced));
    }

    [Fact]
    public async Task Counts_stand_by_school_and_what_is_closed_is_not_looked_for()
    {
        var (a, b, c) = (await Make.Enrolled(Node, row => row with { School = "Elm" }), await Make.Enrolled(Node, row => row with { School = "Elm" }), await Make.Enrolled(Node));
        var before = await Store.CountMissing(Scope.District, Day);
        var operation = await Begin([a.Id, b.Id, c.Id]);
        foreach (var ipad in new[] { a, b }) await Store.HandOver(ipad.Id, operation.CommandUuid, Make.Now);
        await Store.CameBack(b.Id, null, Make.Now);
        Assert.Equal([((string?)null, ReturnState.Waiting, 1L), ("Elm", ReturnState.Missing, 1L), ("Elm", ReturnState.Back, 1L)],
            (await Store.Count([operation.Id], Day)).OrderBy(one => one.School).ThenBy(one => one.State).Select(one => (one.School, one.State, one.Count)));
        Assert.Equal(before + 1, await Store.CountMissing(Scope.District, Day));

        Assert.True(await Store.Close(Scope.District, operation.Id, Day, "ada", null));
        Assert.True(await Store.Close(Scope.District, operation.Id, Day.AddDays(1), "bo", null));
        Assert.Equal(("ada", Day), (await Store.Find(Scope.District, operation.Id))!.Return is var one ? (one.ClosedBy, one.ClosedAt) : default);
        Assert.Equal(before, await Store.CountMissing(Scope.District, Day));
        Assert.Equal(ReturnState.Missing, await StateOf(operation, a.Id, Day));
    }

    [Fact]
    public async Task Somebody_of_a_school_sees_only_what_reaches_no_further()
    {
        var ipad = await Make.Enrolled(Node);
        var district = await Begin([ipad.Id]);
        var school = Scope.Of([Guid.NewGuid().ToString()]);
        Assert.Null(await Store.Find(school, district.Id));
        Assert.False(await Store.Close(school, district.Id, Day, "ada", null));
        Assert.Empty(await Store.List(school, null, 10));
        await Store.HandOver(ipad.Id, district.CommandUuid, Make.Now);
        Assert.Equal(0, await Store.CountMissing(school, Day));
        Assert.Contains(await Store.List(Scope.District, null, 100), row => row.Return.Id == district.Id);
        Assert.DoesNotContain(await Store.List(Scope.District, (Make.Now, district.Id), 100), row => row.Return.Id == district.Id);
    }

    [Fact]
    public async Task Its_invitation_lets_its_iPads_in_and_is_opened_by_nobody()
    {
        var ipad = await Make.Enrolled(Node);
        var operation = await Begin([ipad.Id]);
        var invitation = operation.Return!.InvitationId;
        Assert.Null(await Node.Enrolments.FindInvitation(invitation));
        Assert.False(await Node.Enrolments.RevokeInvitation(invitation, Day));
        var issued = await Node.Enrolments.Issue(new IssueRequest
        {
            ChallengeHash = Make.Hash(),
            PublicKeyHash = Make.Hash(),
            At = Day,
            Certificate = new IssuedCertificate { Sha256 = Make.Hash(), Der = Make.Hash(), InvitationId = invitation, IssuedAt = Day, NotAfter = Day.AddYears(1) },
        });
        Assert.Equal(IssueOutcome.Issued, issued.Outcome);
    }

    [Fact]
    public async Task The_answer_for_iPads_that_ask_is_one_row_with_a_version()
    {
        await using var node = await (await fixture.CreateAnother()).OpenNode();
        Assert.Null(await node.Returns.FindAnswer());
        var answer = new ReturnAnswer { WifiProfileId = "wifi", KeepApps = true, PreserveDataPlan = false, InvitationId = "return-1", UpdatedAt = Make.Now, UpdatedBy = "ada" };
        Assert.True(await node.Returns.WriteAnswer(answer, null));
        Assert.False(await node.Returns.WriteAnswer(answer with { InvitationId = "return-2" }, null));
        Assert.False(await node.Returns.WriteAnswer(answer with { Version = 7 }, null));
        Assert.True(await node.Returns.WriteAnswer(answer with { Version = 1, WifiProfileId = "other", InvitationId = "return-2", UpdatedBy = "bo" }, null));
        var found = (await node.Returns.FindAnswer())!;
        // The iPads that have a challenge of it must not lose it.
        Assert.Equal((2, "other", "return-1", "bo", true), (found.Version, found.WifiProfileId, found.InvitationId, found.UpdatedBy, found.KeepApps));
        Assert.True(await node.Returns.DeleteAnswer(Day, null));
        Assert.False(await node.Returns.DeleteAnswer(Day, null));
    }

    [Fact]
    public async Task It_is_forgotten_with_its_age_in_pieces()
    {
        await using var node = await (await fixture.CreateAnother()).OpenNode();
        var ids = new List<string>();
        for (var i = 0; i < 3; i++) ids.Add((await Make.Enrolled(node)).Id);
        var operation = new OperationAppend
        {
            Id = Guid.NewGuid().ToString(),
            CommandUuid = Make.Id(),
            RequestType = "EraseDevice",
            Body = "<dict/>"u8.ToArray(),
            AcceptedAt = Make.Now,
            RequestedBy = "ada",
            Ids = ids,
            Return = new ReturnAppend("wifi", "Wi-Fi", 4, false, "return-x"),
        };
        await node.Operations.Append(operation);
        // Their command waits: they are told yet.
        Assert.Equal(0, await node.Returns.Forget(Day, 2));
        Assert.NotNull(await node.Returns.HandOver(ids[0], operation.CommandUuid, Make.Now));
        foreach (var id in ids)
        {
            var row = Assert.Single((await node.Devices.Load(id)).Queue, one => one.CommandUuid == operation.CommandUuid);
            await node.Devices.Finish(Make.Finish(id, row.Sequence, CommandEnding.Acknowledged, row.BodyHash));
        }

        Assert.Equal(0, await node.Returns.Forget(Make.Now, 2));
        Assert.Equal(2, await node.Returns.Forget(Day, 2));
        Assert.NotNull(await node.Returns.Find(Scope.District, operation.Id));
        Assert.Equal(1, await node.Returns.Forget(Day, 2));
        Assert.Null(await node.Returns.Find(Scope.District, operation.Id));
    }

    [Fact]
    public async Task A_paced_one_that_is_not_over_is_not_forgotten()
    {
        await using var node = await (await fixture.CreateAnother()).OpenNode();
        var operation = new OperationAppend
        {
            Id = Guid.NewGuid().ToString(),
            CommandUuid = Make.Id(),
            RequestType = "EraseDevice",
            Body = "<dict/>"u8.ToArray(),
            AcceptedAt = Make.Now,
            RequestedBy = "ada",
            Ids = [(await Make.Enrolled(node)).Id],
            Pace = new OperationPace { Waves = ["100%"] },
            Return = new ReturnAppend("wifi", "Wi-Fi", 4, false, "return-y"),
        };
        await node.Operations.Append(operation);
        Assert.Equal(0, await node.Returns.Forget(Day, 2));
        Assert.NotNull(await node.Returns.Find(Scope.District, operation.Id));
        await node.Operations.Cancel(operation.Id, Make.Now);
        Assert.Equal(1, await node.Returns.Forget(Day, 2));
        Assert.Null(await node.Returns.Find(Scope.District, operation.Id));
    }

    [Fact]
    public async Task An_operation_that_is_refused_writes_no_return()
    {
        var ipad = await Make.Enrolled(Node);
        var operation = new OperationAppend
        {
            Id = Guid.NewGuid().ToString(),
            CommandUuid = Make.Id(),
            RequestType = "EraseDevice",
            Body = "<dict/>"u8.ToArray(),
            AcceptedAt = Make.Now,
            RequestedBy = "ada",
            Ids = [ipad.Id],
            Expected = 2,
            Return = new ReturnAppend("wifi", "Wi-Fi", 4, false, $"return-{Make.Id()}"),
        };
        await Assert.ThrowsAsync<OperationRefusedException>(() => Node.Operations.Append(operation));
        Assert.Null(await Store.Find(Scope.District, operation.Id));
        Assert.Null(await Store.HandOver(ipad.Id, operation.CommandUuid, Make.Now));
    }
}
