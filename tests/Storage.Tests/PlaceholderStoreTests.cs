using FleetMdm.Storage.Audit;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Placeholders;
using FleetMdm.Storage.Schools;

namespace FleetMdm.Storage.Tests;

public sealed class PostgresPlaceholderStoreTests(PostgresFixture fixture) : PlaceholderStoreTests(fixture), IClassFixture<PostgresFixture>;

public sealed class SqlitePlaceholderStoreTests(SqliteFixture fixture) : PlaceholderStoreTests(fixture), IClassFixture<SqliteFixture>;

public abstract class PlaceholderStoreTests(StoreFixture fixture)
{
    private IPlaceholderStore Store => fixture.Node.Placeholders;

    private static string Serial() => "P" + Convert.ToHexString(Make.Hash().AsSpan(0, 6));

    private static PlaceholderWrite Write(params Placeholder[] rows) => new() { Rows = rows, By = "ada", At = Make.Now };

    private async Task<string> Enrolled(string serial)
    {
        var change = Make.Change(Make.Device() with { SerialNumber = serial, Status = EnrolmentStatus.Enrolled });
        Assert.Equal(CommitOutcome.Committed, (await fixture.Node.Devices.Commit(change)).Outcome);
        return change.Row.Id;
    }

    [Fact]
    public async Task A_placeholder_is_found_by_its_serial_number_in_any_case()
    {
        var placeholder = new Placeholder { SerialNumber = Serial(), Name = "Åsa's \"iPad\"", School = "North", AssetTag = "T-1" };
        Assert.Equal(new PlaceholdersWritten(1, 0, 0, 0), await Store.Write(Scope.District, Write(placeholder)));

        Assert.Equal(placeholder, await Store.Find(placeholder.SerialNumber.ToLowerInvariant()));
        Assert.Null(await Store.Find(Serial()));
    }

    [Fact]
    public async Task Writing_says_what_was_new_what_differed_and_what_stood_already()
    {
        Placeholder a = new() { SerialNumber = Serial(), Name = "a" }, b = new() { SerialNumber = Serial(), Name = "b" }, c = new() { SerialNumber = Serial() };
        await Store.Write(Scope.District, Write(a, b));
        var id = await Enrolled(b.SerialNumber);

        Assert.Equal(new PlaceholdersWritten(1, 1, 1, 1), await Store.Write(Scope.District, Write(a, b with { Name = null, School = "South" }, c) with { DryRun = true }));
        Assert.Equal("b", (await Store.Find(b.SerialNumber))!.Name);
        Assert.Equal(new PlaceholdersWritten(1, 1, 1, 1), await Store.Write(Scope.District, Write(a, b with { Name = null, School = "South" }, c)));
        Assert.Equal(new PlaceholdersWritten(0, 0, 3, 1), await Store.Write(Scope.District, Write(a, b with { Name = null, School = "South" }, c)));

        var standing = await Store.Standing(Scope.District, b.SerialNumber);
        Assert.Equal((null, "South", id, true), (standing!.Placeholder.Name, standing.Placeholder.School, standing.DeviceId, standing.Enrolled));
    }

    [Fact]
    public async Task A_column_that_was_not_given_stays_as_it_stands()
    {
        var placeholder = new Placeholder { SerialNumber = Serial(), Name = "a", School = "North", AssetTag = "T" };
        await Store.Write(Scope.District, Write(placeholder));

        await Store.Write(Scope.District, Write(new Placeholder { SerialNumber = placeholder.SerialNumber, Name = "b" }) with { WithSchool = false, WithAssetTag = false });

        Assert.Equal(placeholder with { Name = "b" }, await Store.Find(placeholder.SerialNumber));
    }

    [Fact]
    public async Task Placeholders_are_listed_page_by_page_by_what_became_of_them()
    {
        await using var own = await fixture.CreateAnother();
        await using var node = await own.OpenNode();
        await node.Placeholders.Write(Scope.District, Write([.. "ABCDE".Select(c => new Placeholder { SerialNumber = $"S{c}" })]));
        var change = Make.Change(Make.Device() with { SerialNumber = "SC", Status = EnrolmentStatus.Enrolled });
        await node.Devices.Commit(change);

        Assert.Equal(["SA", "SB"], Serials(await node.Placeholders.List(Scope.District, null, 2, null)));
        Assert.Equal(["SC", "SD"], Serials(await node.Placeholders.List(Scope.District, "SB", 2, null)));
        Assert.Equal(["SC"], Serials(await node.Placeholders.List(Scope.District, null, 9, enrolled: true)));
        Assert.Equal(["SA", "SB", "SD", "SE"], Serials(await node.Placeholders.List(Scope.District, null, 9, enrolled: false)));

        static IEnumerable<string> Serials(IReadOnlyList<PlaceholderStanding> rows) => rows.Select(row => row.Placeholder.SerialNumber);
    }

    [Fact]
    public async Task A_removed_placeholder_is_gone()
    {
        var placeholder = new Placeholder { SerialNumber = Serial(), Name = "a" };
        await Store.Write(Scope.District, Write(placeholder));
        Assert.True(await Store.Remove(Scope.District, placeholder.SerialNumber, null));
        Assert.False(await Store.Remove(Scope.District, placeholder.SerialNumber, null));
        Assert.Null(await Store.Find(placeholder.SerialNumber));
    }

    [Fact]
    public async Task iPads_that_say_the_same_serial_number_are_shown_and_not_merged()
    {
        await using var own = await fixture.CreateAnother();
        await using var node = await own.OpenNode();
        var ids = new List<string>();
        foreach (var serial in (string[])["SAME", "SAME", "OTHER"])
        {
            var change = Make.Change(Make.Device() with { SerialNumber = serial });
            await node.Devices.Commit(change);
            ids.Add(change.Row.Id);
        }

        var shared = Assert.Single(await node.Placeholders.Shared(null, 10));
        Assert.Equal(("SAME", 2), (shared.SerialNumber, shared.Count));
        Assert.Equal(ids[..2].Order(StringComparer.Ordinal), shared.DeviceIds);
        Assert.Equal([ids[1]], await node.Placeholders.OthersWith("SAME", ids[0]));
        Assert.Empty(await node.Placeholders.Shared("SAME", 10));
    }

    [Fact]
    public async Task A_hundred_thousand_placeholders_are_written_in_one_transaction()
    {
        await using var own = await fixture.CreateAnother();
        await using var node = await own.OpenNode();
        var rows = Enumerable.Range(0, 100_000).Select(i => new Placeholder { SerialNumber = $"S{i:D6}", Name = $"iPad {i}" }).ToArray();

        Assert.Equal(new PlaceholdersWritten(100_000, 0, 0, 0), await node.Placeholders.Write(Scope.District, Write(rows)));
        Assert.Equal("iPad 99999", (await node.Placeholders.Find("S099999"))!.Name);
    }

    [Fact]
    public async Task Who_signs_in_on_an_iPad_gets_it_when_it_enrols_unless_it_is_somebody_elses()
    {
        var store = await fixture.CreateAnother();
        await using var node = await store.OpenNode();
        var (ali, bo, left) = (await HoldingStoreTests.Person(node, "Berg"), await HoldingStoreTests.Person(node, "Dahl"), await HoldingStoreTests.Person(node, "Left", active: false));
        var record = AuditRecord.New(Make.Now, AuditActor.Server, AuditVerbs.AutomatedSignIn);
        Task<MeantForOutcome> SignIn(string person, string serial = "SIGNIN1", int minute = 0) =>
            node.Placeholders.MeanFor(serial, person, Make.Now.AddMinutes(minute), AuditRecord.New(Make.Now.AddMinutes(minute), AuditActor.Server, AuditVerbs.AutomatedSignIn));
        async Task<(string?, PersonBy?)> Meant(string serial = "SIGNIN1") => await node.Placeholders.Find(serial) is { } found ? (found.PersonId, found.PersonBy) : (null, null);

        Assert.Equal(MeantForOutcome.NoPerson, await SignIn(left));
        Assert.Equal(MeantForOutcome.NoPerson, await SignIn("nobody"));
        Assert.Null(await node.Placeholders.Find("SIGNIN1"));

        // Twice is once, and who comes later has it in their hands.
        Assert.Equal(MeantForOutcome.Written, await SignIn(ali));
        Assert.Equal(MeantForOutcome.Written, await SignIn(ali, "signin1", minute: 1));
        Assert.Equal((ali, PersonBy.SignIn), await Meant());
        Assert.Equal(MeantForOutcome.Written, await SignIn(bo, minute: 2));
        Assert.Equal((bo, PersonBy.SignIn), await Meant());
        await node.Placeholders.MeanForNobody("SIGNIN1", record);
        Assert.Equal((null, null), await Meant());

        // It enrols, and changes hands no more by a sign-in.
        await SignIn(bo, minute: 3);
        var device = (await Make.Enrolled(node, row => row with { SerialNumber = "SIGNIN1" })).Id;
        await node.Holdings.HandOutWaiting("SIGNIN1", HoldingStoreTests.Give(device, bo).Holding, null);
        Assert.Equal(bo, (await node.Holdings.PersonOf(device))!.Id);
        Assert.Equal((null, null), await Meant());
        Assert.Equal(MeantForOutcome.HeldByAnother, await SignIn(ali, minute: 4));
        Assert.Equal(MeantForOutcome.Written, await SignIn(bo, minute: 5));
        Assert.Equal((null, null), await Meant());

        // What a list says is not changed by who signs in.
        await node.Placeholders.Write(Scope.District, Write(new Placeholder { SerialNumber = "SIGNIN2", School = "Elsewhere" }));
        await store.Execute($"UPDATE placeholders SET person_id = '{bo}' WHERE serial_number = 'SIGNIN2'");
        Assert.Equal(MeantForOutcome.MeantForAnother, await SignIn(ali, "SIGNIN2", minute: 6));
        Assert.Equal(MeantForOutcome.Written, await SignIn(bo, "SIGNIN2", minute: 7));
        await node.Placeholders.MeanForNobody("SIGNIN2", null);
        Assert.Equal((bo, "Elsewhere"), ((await Meant("SIGNIN2")).Item1, (await node.Placeholders.Find("SIGNIN2"))!.School));
    }

    [Fact]
    public async Task Who_signs_in_writes_no_school_and_their_own_is_told_beside_it()
    {
        await using var own = await fixture.CreateAnother();
        await using var node = await own.OpenNode();
        var ali = await HoldingStoreTests.Person(node, "Berg");
        await own.Execute($"UPDATE people SET school_id = '{await SchoolOf(node, "North")}' WHERE id = '{ali}'");
        Assert.Equal(MeantForOutcome.Written, await node.Placeholders.MeanFor("OWN", ali, Make.Now, null));
        var found = (await node.Placeholders.Find("OWN"))!;
        Assert.Equal((null, "North", Make.Now), (found.School, found.PersonSchool, found.PersonAt));

        // By a list it is the list that says the school.
        await own.Execute("UPDATE placeholders SET person_by = 1");
        Assert.Null((await node.Placeholders.Find("OWN"))!.PersonSchool);
    }

    [Fact]
    public async Task Who_signed_in_and_did_not_finish_does_not_get_it_hours_later_and_may_sign_in_again()
    {
        await using var own = await fixture.CreateAnother();
        await using var node = await own.OpenNode();
        var ali = await HoldingStoreTests.Person(node, "Berg");
        var device = (await Make.Enrolled(node, row => row with { SerialNumber = "LATE" })).Id;
        var holding = HoldingStoreTests.Give(device, ali).Holding;
        await node.Placeholders.MeanFor("LATE", ali, holding.GivenAt - Placeholder.SignInLasts, null);
        await node.Holdings.HandOutWaiting("LATE", holding, null);
        Assert.Null(await node.Holdings.PersonOf(device));
        Assert.Null((await node.Placeholders.Find("LATE"))!.PersonId);

        await node.Placeholders.MeanFor("LATE", ali, holding.GivenAt - Placeholder.SignInLasts, null);
        await node.Placeholders.MeanFor("LATE", ali, holding.GivenAt.AddMinutes(-1), null);
        await node.Holdings.HandOutWaiting("LATE", holding, null);
        Assert.Equal(ali, (await node.Holdings.PersonOf(device))!.Id);
    }

    private static async Task<string> SchoolOf(Node node, string name)
    {
        var school = new School { Id = Guid.NewGuid().ToString(), Version = 1, Name = name, CreatedAt = Make.Now, CreatedBy = "ada", UpdatedAt = Make.Now, UpdatedBy = "ada" };
        Assert.Equal(SchoolOutcome.Written, await node.Schools.Create(school, null));
        return school.Id;
    }
}
