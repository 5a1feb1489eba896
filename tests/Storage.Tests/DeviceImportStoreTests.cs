using FleetMdm.Storage.Audit;
using FleetMdm.Storage.DeviceImports;
using FleetMdm.Storage.Holdings;

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
        Assert.Equal([new DeviceImportChange("TAKEN", taken, ali, "Ali", "Berg")], await node.DeviceImports.ListChanges(file.Id, DeviceImportChangeKind.Kept, null, 9));
        var paged = await node.DeviceImports.ListChanges(file.Id, DeviceImportChangeKind.Added, "LATER", 2);
        Assert.Equal(["NOBODYS", "TAKEN"], paged.Select(change => change.SerialNumber));
        for (var n = 0; n < 2; n++)
            Assert.Equal(expected, await node.DeviceImports.Apply(file.Id, Make.Now, "ada", AuditRecord.New(Make.Now, AuditActor.Server, AuditVerbs.ImportApply)));
        Assert.Equal(8, Assert.Single(await node.Audit.List(AuditFilter.Everything, null, 9), record => record.Verb == AuditVerbs.ImportApply).Count);

        var current = await node.Holdings.Current(Scope.District, [free, taken]);
        Assert.Equal((ali, bo), (current[free].Holding.PersonId, current[taken].Holding.PersonId));
        Assert.Equal(("d", ali), ((await node.Placeholders.Find("LATER"))!.Name, (await node.Placeholders.Find("LATER"))!.PersonId));
        var again = File([.. file.Rows]);
        await node.DeviceImports.Stage(again);
        Assert.Equal(new DeviceImportCounts(0, 0, 5, 0, 0, 1), await node.DeviceImports.Compare(again.Id));
        Assert.True(await node.DeviceImports.Discard(again.Id));
        Assert.False(await node.DeviceImports.Discard(file.Id));
        Assert.Null(await node.DeviceImports.Apply(again.Id, Make.Now, "ada", null));
    }

    [Fact]
    public async Task Who_waits_for_an_iPad_gets_it_once_when_it_enrols_and_a_forgotten_person_does_not()
    {
        await using var node = await Fresh();
        string ali = await HoldingStoreTests.Person(node, "Berg"), gone = await HoldingStoreTests.Person(node, "Gone");
        var file = File(Row("LATER", "d", ali), Row("NEVER", "e", gone));
        await node.DeviceImports.Stage(file);
        await node.DeviceImports.Apply(file.Id, Make.Now, "ada", null);
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
}
