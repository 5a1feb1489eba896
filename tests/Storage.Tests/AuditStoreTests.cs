using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Operations;

namespace FleetMdm.Storage.Tests;

public sealed class PostgresAuditStoreTests(PostgresFixture fixture) : AuditStoreTests(fixture), IClassFixture<PostgresFixture>;

public sealed class SqliteAuditStoreTests(SqliteFixture fixture) : AuditStoreTests(fixture), IClassFixture<SqliteFixture>;

public abstract class AuditStoreTests(StoreFixture fixture)
{
    private IAuditStore Store => fixture.Node.Audit;

    private static readonly AuditActor Ada = new(ActorKind.Token, "4f1c6d0a-0000-4000-8000-000000000001", "Ada", "192.0.2.7");

    private static AuditRecord New(string target, string verb = AuditVerbs.CommandSend, DateTimeOffset? at = null, AuditActor? actor = null) =>
        AuditRecord.New(at ?? Make.Now, actor ?? Ada, verb) with { TargetKind = AuditTargets.Device, TargetId = target };

    private Task<IReadOnlyList<AuditRecord>> Of(string target) => Store.List(new AuditFilter { Target = target }, null, 100);

    [Fact]
    public async Task A_record_is_found_as_it_was_written_and_writing_it_again_adds_nothing()
    {
        var record = New(Make.Id()) with { Subject = "C", Detail = "EraseDevice", Count = 3, Reason = "stolen", Result = AuditResult.Refused };

        await Store.Write(record);
        await Store.Write(record);

        Assert.Equal(record, Assert.Single(await Of(record.TargetId!)));
    }

    [Fact]
    public async Task Whatever_somebody_calls_himself_can_be_stored_and_shows_as_what_it_is()
    {
        var target = Make.Id();
        await Store.Write(New(target, actor: Ada with { Name = "A\0d\u202Ea\ud800\n" }) with { Reason = new string('x', 5000) });

        var record = Assert.Single(await Of(target));

        Assert.Equal("A\uFFFDd\uFFFDa\uFFFD\uFFFD", record.Actor.Name);
        Assert.Equal(1001, record.Reason!.Length);
    }

    [Fact]
    public async Task Records_are_listed_newest_first_page_by_page_and_by_every_part_of_the_filter()
    {
        var target = Make.Id();
        var who = Ada with { Id = Make.Id(), Name = "name " + target };
        var records = Enumerable.Range(0, 5).Select(n => New(target, n == 2 ? AuditVerbs.TokenCreate : AuditVerbs.CommandSend, Make.Now.AddMinutes(n), who)).ToList();
        foreach (var record in records)
            await Store.Write(record);

        var page = await Store.List(new AuditFilter { Target = target }, null, 2);
        var next = await Store.List(new AuditFilter { Target = target }, page[^1].Id, 2);

        Assert.Equal([records[4].Id, records[3].Id], page.Select(r => r.Id));
        Assert.Equal([records[2].Id, records[1].Id], next.Select(r => r.Id));
        Assert.Equal(5, (await Store.List(new AuditFilter { Who = who.Id }, null, 10)).Count);
        Assert.Equal(5, (await Store.List(new AuditFilter { Who = who.Name }, null, 10)).Count);
        Assert.Equal(records[2], Assert.Single(await Store.List(new AuditFilter { Target = target, Verb = "token." }, null, 10)));
        Assert.Equal(4, (await Store.List(new AuditFilter { Target = target, Verb = AuditVerbs.CommandSend }, null, 10)).Count);
        Assert.Equal([records[3].Id, records[2].Id, records[1].Id],
            (await Store.List(new AuditFilter { Target = target, From = Make.Now.AddMinutes(1), To = Make.Now.AddMinutes(4) }, null, 10)).Select(r => r.Id));
        Assert.Empty(await Store.List(new AuditFilter { Target = target, Result = AuditResult.Failed }, null, 10));
        Assert.Empty(await Store.List(new AuditFilter { Target = target, TargetKind = AuditTargets.Token }, null, 10));
    }

    [Fact]
    public async Task An_iPads_records_hold_those_of_the_operations_that_sent_it_a_command_before_and_after_its_answer()
    {
        var (one, other) = (await Make.Enrolled(fixture.Node), await Make.Enrolled(fixture.Node));
        var id = Guid.NewGuid().ToString();
        await fixture.Node.Operations.Append(new OperationAppend
        {
            Id = id,
            CommandUuid = Make.Id(),
            RequestType = "EraseDevice",
            Body = "<dict/>"u8.ToArray(),
            AcceptedAt = Make.Now,
            RequestedBy = "Ada",
            Ids = [one.Id],
            Audit = AuditRecord.New(Make.Now, Ada, AuditVerbs.OperationStart) with { TargetKind = AuditTargets.Operation, TargetId = id },
        });

        Assert.Equal(id, Assert.Single(await Of(one.Id)).TargetId);
        var waiting = Assert.Single((await fixture.Node.Devices.Load(one.Id)).Queue);
        await fixture.Node.Devices.Finish(Make.Finish(one.Id, waiting.Sequence, CommandEnding.Acknowledged));

        Assert.Equal(id, Assert.Single(await Of(one.Id)).TargetId);
        Assert.Equal(Ada, Assert.Single(await Of(id)).Actor);
        Assert.Empty(await Of(other.Id));
    }

    [Fact]
    public async Task The_database_itself_refuses_to_change_or_delete_a_record()
    {
        var record = New(Make.Id());
        await Store.Write(record);

        await Assert.ThrowsAnyAsync<Exception>(() => fixture.Execute("UPDATE audit SET actor_name = 'nobody'"));
        await Assert.ThrowsAnyAsync<Exception>(() => fixture.Execute("DELETE FROM audit"));

        Assert.Equal(record, Assert.Single(await Of(record.TargetId!)));
    }

    [Fact]
    public async Task Only_what_is_past_its_retention_is_dropped_in_pieces()
    {
        var target = Make.Id();
        var old = Make.Now.AddYears(-10);
        await using var another = await fixture.CreateAnother();
        for (var n = 0; n < 3; n++)
            await another.Node.Audit.Write(New(target, at: old.AddDays(n)));

        Assert.Equal(0, await another.Node.Chain.Drop(old.AddDays(2), 100));
        await another.Node.Chain.Seal(null, 100);
        Assert.Equal(1, await another.Node.Chain.Drop(old.AddDays(2), 1));
        Assert.Equal(1, await another.Node.Chain.Drop(old.AddDays(2), 100));
        Assert.Equal(0, await another.Node.Chain.Drop(old.AddDays(2), 100));

        Assert.Single(await another.Node.Audit.List(new AuditFilter { Target = target }, null, 100));
        Assert.Equal([1L, 1], (await another.Node.Audit.List(new AuditFilter { Verb = AuditVerbs.AuditDrop }, null, 100)).Select(record => record.Count));
        await Assert.ThrowsAnyAsync<Exception>(() => another.Execute("DELETE FROM audit"));
    }

    [Fact]
    public async Task A_record_travels_with_the_change_of_an_enrolment_and_only_if_it_passes()
    {
        var row = await Make.Enrolled(fixture.Node);
        EnrolmentChange Removal(string verb) => Make.Change(row with { Version = 2, Status = EnrolmentStatus.Removed }) with
        {
            Audit = [New(row.Id, verb), New(row.Id, verb)],
        };

        var first = await fixture.Node.Devices.Commit(Removal(AuditVerbs.DeviceRemove));
        var second = await fixture.Node.Devices.Commit(Removal(AuditVerbs.ReenrolmentAllow));

        Assert.Equal((CommitOutcome.Committed, CommitOutcome.VersionConflict), (first.Outcome, second.Outcome));
        Assert.Equal([AuditVerbs.DeviceRemove, AuditVerbs.DeviceRemove], (await Of(row.Id)).Select(r => r.Verb));
    }

    [Fact]
    public async Task A_record_travels_with_a_command_once_and_with_its_end()
    {
        var row = await Make.Enrolled(fixture.Node);
        var command = Make.Command(row.Id);
        command = command with { Audit = New(row.Id) with { Subject = command.CommandUuid } };

        var appended = await fixture.Node.Devices.Append(command);
        await fixture.Node.Devices.Append(command with { Audit = New(row.Id, AuditVerbs.DevicePush) });
        var finish = Make.Finish(row.Id, appended.Sequence, CommandEnding.Cancelled) with { Audit = New(row.Id, AuditVerbs.CommandCancel, Make.Now.AddMinutes(1)) };
        await fixture.Node.Devices.Finish(finish);
        await fixture.Node.Devices.Finish(finish with { Audit = New(row.Id, AuditVerbs.DevicePush) });

        Assert.Equal([AuditVerbs.CommandCancel, AuditVerbs.CommandSend], (await Of(row.Id)).Select(r => r.Verb));
        Assert.Equal(Ada, (await Store.FindSenders(row.Id, [command.CommandUuid, "OTHER"], Make.Now))[command.CommandUuid].Actor);
        Assert.Empty(await Store.FindSenders(row.Id, ["OTHER"], Make.Now));
    }

    [Fact]
    public async Task A_record_of_an_operation_says_for_how_many_it_is_and_its_cancellation_is_recorded_once()
    {
        var rows = new[] { await Make.Enrolled(fixture.Node), await Make.Enrolled(fixture.Node) };
        var id = Guid.NewGuid().ToString();
        await fixture.Node.Operations.Append(new OperationAppend
        {
            Id = id,
            CommandUuid = Make.Id(),
            RequestType = "DeviceLock",
            Body = "<dict/>"u8.ToArray(),
            AcceptedAt = Make.Now,
            RequestedBy = "Ada",
            Ids = [.. rows.Select(row => row.Id)],
            Audit = New(id, AuditVerbs.OperationStart),
        });

        Assert.Equal(Ada, (await Store.FindStarters([id, "other"]))[id].Actor);
        Assert.True(await fixture.Node.Operations.Cancel(id, Make.Now, New(id, AuditVerbs.OperationCancel, Make.Now.AddSeconds(1))));
        Assert.True(await fixture.Node.Operations.Cancel(id, Make.Now, New(id, AuditVerbs.OperationCancel, Make.Now.AddSeconds(2))));
        Assert.False(await fixture.Node.Operations.Cancel(Make.Id(), Make.Now, New(id, AuditVerbs.OperationCancel)));

        Assert.Equal([(AuditVerbs.OperationCancel, null), (AuditVerbs.OperationStart, (long?)2)], (await Of(id)).Select(r => (r.Verb, r.Count)));
    }
}
