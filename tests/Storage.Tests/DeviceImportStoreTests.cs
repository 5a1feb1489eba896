using FleetMdm.Storage.Audit;
using FleetMdm.Storage.DeviceImports;
using FleetMdm.Storage.Holdings;
using FleetMdm.Storage.Placeholders;

namespace FleetMdm.Storage.Tests;

public sealed class PostgresDeviceImportStoreTests(PostgresFixture fixture) : DeviceImportStoreTests(fixture), IClassFixture<PostgresFixture>;

public sealed class SqliteDeviceImportStoreTests(SqliteFixture fixture) : DeviceImportStoreTests(fixture), IClassFixture<SqliteFixture>;

public abstract class DeviceImportStoreTests(StoreFixture fixture)
{
    private async Task<Node> Fresh() => await (await fixture.CreateAnother()).OpenNode();

    private static DeviceImportFile File(params ImportedDevice[] rows) => new()
    {
        Id = Guid.NewGuid().ToString(),
        WithName = true,
        WithSchool = false,
        WithAssetTag = true,
        Notes = "{}",
        CreatedAt = Make.Now,
        CreatedBy = "ada",
        Rows = rows,
    };

    private static ImportedDevice Row(string serial, string? name = null, string? person = null, string? tag = null) => new(serial, name, null, tag, person, Guid.NewGuid().ToString());

    [Fact]
    public async Task It_is_applied_once_as_a_whole_and_takes_no_iPad_from_anybody()
    {
        await using var node = await Fresh();
        string ali = await HoldingStoreTests.Person(node, "Berg"), bo = await HoldingStoreTests.Person(node, "Alm");
        string free = (await Make.Enrolled(node, row => row with { SerialNumber = "FREE" })).Id, taken = (await Make.Enrolled(node, row => row with { SerialNumber = "TAKEN" })).Id;
        for (var n = 0; n < 2; n++) await Make.Enrolled(node, row => row with { SerialNumber = "TWICE" });
        await node.Holdings.HandOut(Scope.District, HoldingStoreTests.Give(taken, bo));
        var file = File(Row("FREE", "a", ali), Row("TAKEN", "b", ali), Row("TWICE", "c", ali), Row("LATER", "d", ali), Row("NOBODYS", "e"));
        await node.DeviceImports.Stage(file);

        var expected = new DeviceImportCounts(5, 0, 0, 1, 2, 1);
        Assert.Equal(expected, await node.DeviceImports.Compare(file.Id));
        Assert.Equal([new DeviceImportChange("TAKEN", taken, ali, "Ali", "Berg", bo, "Ali", "Alm")], await node.DeviceImports.ListChanges(file.Id, DeviceImportChangeKind.Kept, null, 9));
        var paged = await node.DeviceImports.ListChanges(file.Id, DeviceImportChangeKind.Added, "LATER", 2);
        Assert.Equal(["NOBODYS", "TAKEN"], paged.Select(change => change.SerialNumber));
        for (var n = 0; n < 2; n++)
            Assert.Equal(new DeviceImportApplied(DeviceImportOutcome.Written, expected), await node.DeviceImports.Apply(file.Id, 0, Make.Now, "ada", AuditRecord.New(Make.Now, AuditActor.Server, AuditVerbs.ImportApply)));
        Assert.Equal(8, Assert.Single(await node.Audit.List(AuditFilter.Everything, null, 9), record => record.Verb == AuditVerbs.ImportApply).Count);

        var current = await node.Holdings.Current(Scope.District, [free, taken]);
        Assert.Equal((ali, bo), (current[free].Holding.PersonId, current[taken].Holding.PersonId));
        Assert.Equal(("d", ali), ((await node.Placeholders.Find("LATER"))!.Name, (await node.Placeholders.Find("LATER"))!.PersonId));
        var again = File([.. file.Rows]);
        await node.DeviceImports.Stage(again);
        Assert.Equal(new DeviceImportCounts(0, 0, 5, 0, 0, 1), await node.DeviceImports.Compare(again.Id));
        Assert.True(await node.DeviceImports.Discard(again.Id));
        Assert.False(await node.DeviceImports.Discard(file.Id));
        Assert.Equal(DeviceImportOutcome.NotFound, (await node.DeviceImports.Apply(again.Id, 0, Make.Now, "ada", null)).Outcome);
    }

    [Fact]
    public async Task Who_waits_for_an_iPad_gets_it_once_when_it_enrols_and_a_forgotten_person_does_not()
    {
        await using var node = await Fresh();
        string ali = await HoldingStoreTests.Person(node, "Berg"), gone = await HoldingStoreTests.Person(node, "Gone");
        var file = File(Row("LATER", "d", ali), Row("NEVER", "e", gone));
        await node.DeviceImports.Stage(file);
        await node.DeviceImports.Apply(file.Id, 0, Make.Now, "ada", null);
        await node.People.Delete(Scope.District, gone, null);
        Assert.Null((await node.Placeholders.Find("NEVER"))!.PersonId);

        var device = (await Make.Enrolled(node, row => row with { SerialNumber = "LATER" })).Id;
        for (var n = 0; n < 2; n++)
        {
            await node.Holdings.HandOutWaiting("LATER", HoldingStoreTests.Give(device, "anybody").Holding, AuditRecord.New(Make.Now, AuditActor.Server, AuditVerbs.DeviceHandOut));
            Assert.Equal(ali, Assert.Single(await node.Holdings.List(Scope.District, new HoldingFilter { DeviceId = device }, null, 9)).Holding.PersonId);
        }

        Assert.Single(await node.Audit.List(AuditFilter.Everything, null, 9), record => record.Verb == AuditVerbs.DeviceHandOut);
    }

    [Fact]
    public async Task iPads_that_people_have_go_over_to_others_in_a_circle_too_and_come_back_once_when_it_is_undone()
    {
        await using var node = await Fresh();
        string ali = await HoldingStoreTests.Person(node, "Berg"), bo = await HoldingStoreTests.Person(node, "Alm"), cia = await HoldingStoreTests.Person(node, "Ek");
        var leaver = await HoldingStoreTests.Person(node, "Gone");
        var pads = new Dictionary<string, string>();
        foreach (var (serial, person) in new[] { ("A", ali), ("B", bo), ("C", cia), ("L", leaver), ("FREE", null) })
        {
            pads[serial] = (await Make.Enrolled(node, row => row with { SerialNumber = serial })).Id;
            if (person is not null) await node.Holdings.HandOut(Scope.District, HoldingStoreTests.Give(pads[serial], person, minute: -60));
        }

        var file = File(Row("A", person: bo), Row("B", person: ali), Row("C", person: ali), Row("L", person: cia), Row("FREE", person: cia), Row("LATER", person: bo)) with { HandOver = true };
        await node.DeviceImports.Stage(file);
        Assert.Equal(new DeviceImportCounts(6, 0, 0, 1, 1, 0, 4), await node.DeviceImports.Compare(file.Id));
        var first = (await node.DeviceImports.ListChanges(file.Id, DeviceImportChangeKind.HandedOver, null, 1))[0];
        Assert.Equal(("A", bo, ali), (first.SerialNumber, first.PersonId, first.HolderId));
        Assert.Empty(await node.DeviceImports.ListChanges(file.Id, DeviceImportChangeKind.Kept, null, 9));

        // Not as many as was said: nothing is done.
        Assert.Equal(DeviceImportOutcome.NotAsExpected, (await node.DeviceImports.Apply(file.Id, 3, Make.Now, "ada", null)).Outcome);
        Assert.Null(await node.Placeholders.Find("A"));
        Assert.Equal(ali, await Who("A"));
        Assert.Equal(DeviceImportUndoOutcome.NotApplied, await node.DeviceImports.Undo(file.Id, Make.Now, "ada", null));

        for (var n = 0; n < 2; n++) Assert.Equal(DeviceImportOutcome.Written, (await node.DeviceImports.Apply(file.Id, 4, Make.Now, "ada", null)).Outcome);
        Assert.Equal((bo, ali, ali, cia, cia), (await Who("A"), await Who("B"), await Who("C"), await Who("L"), await Who("FREE")));
        Assert.Equal(bo, (await node.Placeholders.Find("LATER"))!.PersonId);

        // Meanwhile B has gone to somebody else, and who had L has left.
        await node.Holdings.HandOut(Scope.District, HoldingStoreTests.Give(pads["B"], cia, returnFirst: true, minute: 5));
        var gone = (await node.People.Find(Scope.District, leaver))!.Person;
        await node.People.Change(Scope.District, gone with { Active = false, Version = gone.Version + 1 }, null);
        for (var n = 0; n < 2; n++)
        {
            Assert.Equal(DeviceImportUndoOutcome.Written, await node.DeviceImports.Undo(file.Id, Make.Now.AddMinutes(9), "eve", AuditRecord.New(Make.Now, AuditActor.Server, AuditVerbs.ImportUndo)));
            Assert.Equal(new DeviceImportUndone(4, 2, 1, 1), (await node.DeviceImports.Find(file.Id))!.Undone);
        }

        Assert.Equal((ali, cia, cia, null, null), (await Who("A"), await Who("B"), await Who("C"), await Who("L"), await Who("FREE")));
        Assert.Null((await node.Placeholders.Find("LATER"))!.PersonId);
        Assert.Single(await node.Audit.List(AuditFilter.Everything, null, 99), record => record.Verb == AuditVerbs.ImportUndo);

        async Task<string?> Who(string serial) => (await node.Holdings.Current(Scope.District, [pads[serial]])).GetValueOrDefault(pads[serial])?.Holding.PersonId;
    }

    [Fact]
    public async Task A_list_that_names_who_signed_in_has_the_last_word_and_what_a_sign_in_said_before_does_not_come_back()
    {
        await using var node = await Fresh();
        string ali = await HoldingStoreTests.Person(node, "Berg"), bo = await HoldingStoreTests.Person(node, "Alm");
        foreach (var serial in (string[])["SAME", "OTHER"]) await node.Placeholders.MeanFor(serial, ali, Make.Now, null);
        var file = File(Row("SAME", person: ali), Row("OTHER", person: bo));
        await node.DeviceImports.Stage(file);
        await node.DeviceImports.Apply(file.Id, 0, Make.Now, "ada", null);
        Assert.Equal((ali, PersonBy.Import, (DateTimeOffset?)null), await Meant("SAME"));
        Assert.Equal((bo, PersonBy.Import, (DateTimeOffset?)null), await Meant("OTHER"));
        Assert.Equal(MeantForOutcome.MeantForAnother, await node.Placeholders.MeanFor("SAME", bo, Make.Now, null));

        await node.DeviceImports.Undo(file.Id, Make.Now.AddMinutes(9), "eve", null);
        Assert.Equal((ali, PersonBy.Import, (DateTimeOffset?)null), await Meant("SAME"));
        Assert.Equal((null, null, (DateTimeOffset?)null), await Meant("OTHER"));

        async Task<(string?, PersonBy?, DateTimeOffset?)> Meant(string serial) =>
            await node.Placeholders.Find(serial) is { } found ? (found.PersonId, found.PersonBy, found.PersonAt) : default;
    }

    [Fact]
    public async Task After_thirty_days_nothing_is_taken_back_and_what_changed_hands_is_forgotten()
    {
        await using var node = await Fresh();
        var ali = await HoldingStoreTests.Person(node, "Berg");
        var pad = (await Make.Enrolled(node, row => row with { SerialNumber = "OLD" })).Id;
        var file = File(Row("OLD", person: ali));
        await node.DeviceImports.Stage(file);
        await node.DeviceImports.Apply(file.Id, 0, Make.Now, "ada", null);
        Assert.Equal(DeviceImportUndoOutcome.TooLate, await node.DeviceImports.Undo(file.Id, Make.Now + IDeviceImportStore.CanBeUndoneFor + TimeSpan.FromSeconds(1), "ada", null));
        Assert.Equal(ali, (await node.Holdings.Current(Scope.District, [pad]))[pad].Holding.PersonId);

        await node.DeviceImports.Stage(File(Row("NEXT")) with { CreatedAt = Make.Now + IDeviceImportStore.CanBeUndoneFor + TimeSpan.FromDays(1) });
        Assert.Equal(DeviceImportUndoOutcome.NotKept, await node.DeviceImports.Undo(file.Id, Make.Now.AddDays(1), "ada", null));
        Assert.Equal((false, null), ((await node.DeviceImports.Find(file.Id))!.IsKept, (await node.DeviceImports.Find(file.Id))!.Undone));
    }

    [Fact]
    public async Task An_iPad_that_enrolled_since_is_taken_back_too_and_who_returned_theirs_meanwhile_does_not_get_it_again()
    {
        var store = await fixture.CreateAnother();
        await using var node = await store.OpenNode();
        string ali = await HoldingStoreTests.Person(node, "Berg"), bo = await HoldingStoreTests.Person(node, "Alm");
        var had = (await Make.Enrolled(node, row => row with { SerialNumber = "HAD" })).Id;
        await node.Holdings.HandOut(Scope.District, HoldingStoreTests.Give(had, ali, minute: -60));
        var file = File(Row("BOXED", person: bo), Row("HAD", person: bo)) with { HandOver = true };
        await node.DeviceImports.Stage(file);
        await node.DeviceImports.Apply(file.Id, 1, Make.Now, "ada", null);
        var boxed = (await Make.Enrolled(node, row => row with { SerialNumber = "BOXED" })).Id;
        await node.Holdings.HandOutWaiting("BOXED", HoldingStoreTests.Give(boxed, bo, minute: 3).Holding, null);

        // Somebody else recorded it, in the moment in which the file was applied.
        await store.Execute("UPDATE holdings SET returned_by = 'somebody else' WHERE returned_at IS NOT NULL");
        Assert.Equal(DeviceImportUndoOutcome.Written, await node.DeviceImports.Undo(file.Id, Make.Now.AddMinutes(9), "ada", null));
        Assert.Equal(new DeviceImportUndone(2, 0, 0, 0), (await node.DeviceImports.Find(file.Id))!.Undone);
        Assert.Empty(await node.Holdings.Current(Scope.District, [had, boxed]));
    }
}
