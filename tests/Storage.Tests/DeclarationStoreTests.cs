using FleetMdm.Storage.Assignments;
using FleetMdm.Storage.Declarations;
using FleetMdm.Storage.Devices;

namespace FleetMdm.Storage.Tests;

public sealed class PostgresDeclarationStoreTests(PostgresFixture fixture) : DeclarationStoreTests(fixture), IClassFixture<PostgresFixture>;

public sealed class SqliteDeclarationStoreTests(SqliteFixture fixture) : DeclarationStoreTests(fixture), IClassFixture<SqliteFixture>;

/// <summary>Which declarations iPads should have and what they said, the same on both databases.</summary>
public abstract class DeclarationStoreTests(StoreFixture fixture)
{
    private static readonly byte[] Content = "[]"u8.ToArray();

    private async Task<Node> Fresh() => await (await fixture.CreateAnother()).OpenNode();

    private static DeclarationDevice Of(string id, string wanted = "one") => new()
    {
        DeviceId = id,
        Version = 1,
        EnrolledAt = Make.Now,
        Wanted = wanted,
        WantedAt = Make.Now,
        Fetched = "zero",
        FetchedAt = Make.Now.AddSeconds(1),
        Asked = wanted,
        AskedAt = Make.Now.AddSeconds(2),
        CommandUuid = "F1EE7008-0000-8000-8000-000000000000",
        ReportHash = "00ff",
        ReportedAt = Make.Now.AddSeconds(3),
        Status = """{"items":{}}""",
    };

    private static async Task<(DeviceRow IPad, string Assignment)> Assigned(Node node)
    {
        var ipad = await Make.Enrolled(node, row => row with { SerialNumber = "D1" });
        var assignment = new Assignment
        {
            Id = Guid.NewGuid().ToString(),
            Version = 1,
            Name = "declared",
            Kind = AssignmentKind.Declaration,
            Item = "declaration:x",
            Command = [1],
            Asked = [2],
            Target = "serial:D1",
            Phase = AssignmentPhase.InForce,
            CreatedAt = Make.Now,
            CreatedBy = "ada",
            UpdatedAt = Make.Now,
            UpdatedBy = "ada",
        };
        Assert.Equal(AssignmentOutcome.Written, await node.Assignments.Create(Scope.District, assignment, null));
        return (ipad, assignment.Id);
    }

    private static async Task<AssignmentStanding> Standing(Node node, DeviceRow ipad) => Assert.Single(await node.Assignments.ListOfDevice(ipad.Id)).Standing;

    [Fact]
    public async Task What_was_written_is_read_as_it_was_and_the_set_with_it()
    {
        await using var node = await Fresh();
        var (ipad, _) = await Assigned(node);
        var before = await Standing(node, ipad);
        var after = before with { State = AssignmentState.Sent, Revision = 1, DueAt = null, ChangedAt = Make.Now.AddMinutes(1), Reason = "told" };

        Assert.Null(await node.Declarations.Find(ipad.Id));
        Assert.True(await node.Declarations.Write(new DeclarationChange(null, Of(ipad.Id), Content, [new AssignmentChange(before, after)])));

        Assert.Equal(Of(ipad.Id), await node.Declarations.Find(ipad.Id));
        Assert.Equal(Content, await node.Declarations.LoadSet("one"));
        Assert.Null(await node.Declarations.LoadSet("two"));
        Assert.Equal(after, await Standing(node, ipad));
        // Once more, as after an answer that was lost.
        Assert.True(await node.Declarations.Write(new DeclarationChange(null, Of(ipad.Id), Content, [new AssignmentChange(before, after)])));
    }

    [Fact]
    public async Task Of_two_who_write_at_the_same_moment_the_second_writes_nothing()
    {
        await using var node = await Fresh();
        var (ipad, _) = await Assigned(node);
        var first = Of(ipad.Id);
        Assert.True(await node.Declarations.Write(new DeclarationChange(null, first, null, [])));
        Assert.True(await node.Declarations.Write(new DeclarationChange(first, first with { Version = 2, Fetched = "one" }, null, [])));

        var before = await Standing(node, ipad);
        Assert.False(await node.Declarations.Write(new DeclarationChange(
            first, first with { Version = 2, Fetched = "other" }, null, [new AssignmentChange(before, before with { State = AssignmentState.Sent, ChangedAt = Make.Now.AddMinutes(1) })])));
        Assert.Equal("one", (await node.Declarations.Find(ipad.Id))!.Fetched);
        Assert.Equal(before, await Standing(node, ipad));

        // The assignment was changed in between: the iPad's row stays, too.
        var second = first with { Version = 2, Fetched = "one" };
        Assert.False(await node.Declarations.Write(new DeclarationChange(
            second, second with { Version = 3, Fetched = "three" }, null, [new AssignmentChange(before with { ChangedAt = Make.Now.AddHours(-1) }, before with { State = AssignmentState.Sent })])));
        Assert.Equal(2, (await node.Declarations.Find(ipad.Id))!.Version);
    }

    [Fact]
    public async Task A_set_is_forgotten_when_no_iPad_has_it_or_should_have_it()
    {
        await using var node = await Fresh();
        var (ipad, _) = await Assigned(node);
        var first = Of(ipad.Id) with { Fetched = null };
        await node.Declarations.Write(new DeclarationChange(null, first, Content, []));
        var second = first with { Version = 2, Wanted = "two", Fetched = "one" };
        await node.Declarations.Write(new DeclarationChange(first, second, Content, []));

        // It should have one and has the other.
        Assert.Equal(0, await node.Declarations.ForgetSets(Make.Now.AddDays(3)));
        await node.Declarations.Write(new DeclarationChange(second, second with { Version = 3, Fetched = "two" }, null, []));
        Assert.Equal(0, await node.Declarations.ForgetSets(Make.Now.AddDays(-3)));
        Assert.Equal(1, await node.Declarations.ForgetSets(Make.Now.AddDays(3)));
        Assert.Null(await node.Declarations.LoadSet("one"));
        Assert.NotNull(await node.Declarations.LoadSet("two"));
    }

    [Fact]
    public async Task A_set_that_is_used_again_is_kept_and_is_stored_sealed()
    {
        await using var node = await Fresh();
        var (ipad, _) = await Assigned(node);
        var first = Of(ipad.Id) with { Fetched = null };
        await node.Declarations.Write(new DeclarationChange(null, first, Content, []));
        await node.Declarations.Write(new DeclarationChange(first, first with { Version = 2, WantedAt = Make.Now.AddDays(10) }, Content, []));
        await node.Declarations.Write(new DeclarationChange(first with { Version = 2, WantedAt = Make.Now.AddDays(10) }, first with { Version = 3, Wanted = "empty" }, null, []));

        Assert.Equal(0, await node.Declarations.ForgetSets(Make.Now.AddDays(5)));
        Assert.Equal(1, await node.Declarations.ForgetSets(Make.Now.AddDays(11)));
    }

    [Fact]
    public async Task What_an_iPad_had_goes_with_its_inventory()
    {
        await using var node = await Fresh();
        var ipad = await Make.Enrolled(node, row => row with { SerialNumber = "D9", Status = EnrolmentStatus.Unenrolled, UnenrolledAt = Make.Now });
        await node.Declarations.Write(new DeclarationChange(null, Of(ipad.Id), Content, []));

        Assert.Equal(0, await node.Inventory.ForgetEnded(Make.Now, 10));
        Assert.Equal(1, await node.Inventory.ForgetEnded(Make.Now.AddDays(1), 10));
        Assert.Null(await node.Declarations.Find(ipad.Id));
    }
}
