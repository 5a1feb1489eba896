using FleetMdm.Storage.Campaigns;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Filters;
using FleetMdm.Storage.Schools;

namespace FleetMdm.Storage.Tests;

public sealed class PostgresCampaignStoreTests(PostgresFixture fixture) : CampaignStoreTests(fixture), IClassFixture<PostgresFixture>;

public sealed class SqliteCampaignStoreTests(SqliteFixture fixture) : CampaignStoreTests(fixture), IClassFixture<SqliteFixture>;

/// <summary>The end of a year, the same on both databases.</summary>
public abstract class CampaignStoreTests(StoreFixture fixture)
{
    private static Campaign New(string name, string? target = null, string? school = null) => new()
    {
        Id = Guid.NewGuid().ToString(),
        Name = name,
        Target = target,
        SchoolId = school,
        DueOn = new DateOnly(2027, 6, 11),
        CreatedAt = Make.Now,
        CreatedBy = "ada",
    };

    private async Task<Node> Fresh() => await (await fixture.CreateAnother()).OpenNode();

    private static Task<DeviceRow> Enrol(Node node, string serial, string? school = null) =>
        Make.Enrolled(node, row => row with { SerialNumber = serial, DeviceName = serial, School = school });

    private static async Task<string> School(Node node, string name)
    {
        var school = new School { Id = Guid.NewGuid().ToString(), Version = 1, Name = name, CreatedAt = Make.Now, CreatedBy = "ada", UpdatedAt = Make.Now, UpdatedBy = "ada" };
        await node.Schools.Create(school, null);
        return school.Id;
    }

    private static Task<CollectResult> Collect(Node node, string id, string code, Scope? scope = null, string? school = null) =>
        node.Campaigns.Collect(scope ?? Scope.District, id, code, school, Make.Now.AddDays(1), "bo", _ => null, null);

    private static async Task<string[]> Serials(Node node, string id, CampaignPart part, Scope? scope = null) =>
        [.. (await node.Campaigns.ListDevices(scope ?? Scope.District, id, part, null, null, 100)).Select(row => row.SerialNumber!).Order()];

    [Fact]
    public async Task Which_iPads_and_whose_is_written_down_and_a_person_who_is_deleted_and_an_iPad_that_is_removed_take_none_out()
    {
        await using var node = await Fresh();
        var (a, _, _) = (await Enrol(node, "A1"), await Enrol(node, "B1"), await Enrol(node, "C1"));
        var ali = await HoldingStoreTests.Person(node, "Ali");
        await node.Holdings.HandOut(Scope.District, HoldingStoreTests.Give(a.Id, ali, null));
        var campaign = New("2027", "serial:A1 or serial:B1");
        Assert.Equal((2L, 1L), (await node.Campaigns.Plan(Scope.District, new CampaignTarget(campaign.Target, [], null, Make.Now), 5)) is var plan ? (plan.Total, plan.Assigned) : default);
        Assert.Equal(CampaignOutcome.Written, await node.Campaigns.Create(Scope.District, campaign, _ => null));
        Assert.Equal(CampaignOutcome.Written, await node.Campaigns.Create(Scope.District, campaign, _ => throw new InvalidOperationException("It was written before.")));
        Assert.Equal(CampaignOutcome.Nobody, await node.Campaigns.Create(Scope.District, New("none", "serial:Z9"), _ => null));
        await Assert.ThrowsAsync<FilterException>(() => node.Campaigns.Create(Scope.District, New("wrong", "group:nobody"), _ => null));

        await node.People.Delete(Scope.District, ali, null);
        var first = (await node.Campaigns.ListDevices(Scope.District, campaign.Id, CampaignPart.Missing, null, null, 10)).Single(row => row.SerialNumber == "A1");
        Assert.Equal((ali, (string?)null, a.DeviceName), (first.PersonId, first.Person, first.DeviceName));
        Assert.Equal(["A1", "B1"], await Serials(node, campaign.Id, CampaignPart.All));
        Assert.Equal((2L, 0L), Assert.Single(await node.Campaigns.Count(Scope.District, [campaign.Id])) is var count ? (count.Total, count.Collected) : default);
        Assert.Equal(new DateOnly(2027, 6, 11), (await node.Campaigns.Find(Scope.District, campaign.Id))!.Campaign.DueOn);
    }

    [Fact]
    public async Task What_is_scanned_is_collected_once_and_its_holder_has_returned_it_until_it_is_put_back()
    {
        await using var node = await Fresh();
        var (a, b) = (await Enrol(node, "A1"), await Enrol(node, "B1"));
        await Enrol(node, "C1");
        var ali = await HoldingStoreTests.Person(node, "Ali");
        await node.Holdings.HandOut(Scope.District, HoldingStoreTests.Give(a.Id, ali, null));
        var campaign = New("2027", "serial:A1 or serial:B1");
        await node.Campaigns.Create(Scope.District, campaign, _ => null);

        // Two scanners at once: one of them is told that it was collected already.
        var both = await Task.WhenAll(Collect(node, campaign.Id, "a1"), Collect(node, campaign.Id, "SA1"));
        Assert.Equal([CollectOutcome.Collected, CollectOutcome.Twice], both.Select(one => one.Outcome).Order());
        Assert.All(both, one => Assert.Equal(("A1", "bo"), (one.Device!.SerialNumber, one.Device.CollectedBy)));
        Assert.Empty(await node.Holdings.Current(Scope.District, [a.Id]));
        Assert.Equal(CollectOutcome.NotInCampaign, (await Collect(node, campaign.Id, "C1")).Outcome);
        Assert.Equal(CollectOutcome.Unknown, (await Collect(node, campaign.Id, "Z9")).Outcome);
        Assert.Equal(CollectOutcome.NoCampaign, (await Collect(node, Guid.NewGuid().ToString(), "A1")).Outcome);
        Assert.Equal(["A1"], await Serials(node, campaign.Id, CampaignPart.Collected));
        Assert.Equal(["B1"], await Serials(node, campaign.Id, CampaignPart.Missing));
        Assert.Equal("A1", Assert.Single(await node.Campaigns.ListLatest(Scope.District, campaign.Id, 5)).SerialNumber);

        Assert.True(await node.Campaigns.PutBack(Scope.District, campaign.Id, a.Id, null));
        Assert.False(await node.Campaigns.PutBack(Scope.District, campaign.Id, a.Id, null));
        Assert.Equal(ali, (await node.Holdings.Current(Scope.District, [a.Id]))[a.Id].Holding.PersonId);
        // Somebody else has it by now: it stays theirs.
        await Collect(node, campaign.Id, "A1");
        var bo = await HoldingStoreTests.Person(node, "Bo");
        await node.Holdings.HandOut(Scope.District, HoldingStoreTests.Give(a.Id, bo, null));
        Assert.True(await node.Campaigns.PutBack(Scope.District, campaign.Id, a.Id, null));
        Assert.Equal(bo, (await node.Holdings.Current(Scope.District, [a.Id]))[a.Id].Holding.PersonId);

        Assert.Equal(CampaignOutcome.Open, await node.Campaigns.Delete(Scope.District, campaign.Id, null));
        Assert.Equal(CampaignOutcome.Written, await node.Campaigns.Close(Scope.District, campaign.Id, Make.Now.AddDays(2), "ada", null));
        Assert.Equal(CollectOutcome.Closed, (await Collect(node, campaign.Id, "B1")).Outcome);
        Assert.Equal(0, await node.Campaigns.Forget(Make.Now.AddDays(2)));
        Assert.Equal(1, await node.Campaigns.Forget(Make.Now.AddDays(3)));
        Assert.Null(await node.Campaigns.Find(Scope.District, campaign.Id));
        Assert.NotNull(b);
    }

    [Fact]
    public async Task A_record_that_cannot_be_written_leaves_nothing_collected()
    {
        await using var node = await Fresh();
        var a = await Enrol(node, "A1");
        var ali = await HoldingStoreTests.Person(node, "Ali");
        await node.Holdings.HandOut(Scope.District, HoldingStoreTests.Give(a.Id, ali, null));
        var campaign = New("2027", "serial:A1");
        await node.Campaigns.Create(Scope.District, campaign, _ => null);
        // The node dies in the middle.
        await Assert.ThrowsAnyAsync<Exception>(() => node.Campaigns.Collect(Scope.District, campaign.Id, "A1", null, Make.Now, "bo", _ => throw new InvalidOperationException("It dies."), null));
        Assert.Equal(["A1"], await Serials(node, campaign.Id, CampaignPart.Missing));
        Assert.Equal(ali, (await node.Holdings.Current(Scope.District, [a.Id]))[a.Id].Holding.PersonId);
    }

    [Fact]
    public async Task People_of_a_school_see_and_collect_their_part_of_the_districts_campaign_and_end_none_of_it()
    {
        await using var node = await Fresh();
        var (elm, _) = (await School(node, "Elm"), await School(node, "Oak"));
        await Enrol(node, "A1", "Elm");
        await Enrol(node, "B1", "Oak");
        var scope = Scope.Of([elm]);
        var campaign = New("2027", "serial:A1 or serial:B1");
        await node.Campaigns.Create(Scope.District, campaign, _ => null);
        await node.Campaigns.Create(Scope.District, New("of Oak", "serial:B1"), _ => null);

        Assert.Equal(["2027"], (await node.Campaigns.List(scope, null, 10)).Select(row => row.Campaign.Name));
        Assert.Equal(["A1"], await Serials(node, campaign.Id, CampaignPart.All, scope));
        Assert.Equal(("Elm", 1L), Assert.Single(await node.Campaigns.Count(scope, [campaign.Id])) is var count ? (count.School!, count.Total) : default);
        Assert.Equal((CollectOutcome.OtherSchool, "Oak"), (await Collect(node, campaign.Id, "B1", scope)) is var other ? (other.Outcome, other.School) : default);
        Assert.Equal(CollectOutcome.OtherSchool, (await Collect(node, campaign.Id, "B1", school: "Elm")).Outcome);
        Assert.Equal(CollectOutcome.Collected, (await Collect(node, campaign.Id, "A1", scope)).Outcome);
        Assert.Equal(CampaignOutcome.NotFound, await node.Campaigns.Close(scope, campaign.Id, Make.Now, "bo", null));
        // A filter of theirs finds only what is theirs.
        Assert.Equal(1, (await node.Campaigns.Plan(scope, new CampaignTarget($"campaign:{campaign.Id}", [], null, Make.Now), 5)).Total);
        Assert.Equal(1, (await node.Campaigns.Plan(Scope.District, new CampaignTarget($"campaign:{campaign.Id} and not collected:{campaign.Id}", [], null, Make.Now), 5)).Total);
    }

    [Fact]
    public async Task An_iPad_that_was_erased_and_comes_back_says_both()
    {
        await using var node = await Fresh();
        var a = await Enrol(node, "A1");
        var campaign = New("2027", "serial:A1");
        await node.Campaigns.Create(Scope.District, campaign, _ => null);
        await Collect(node, campaign.Id, "A1");
        Assert.Equal(["A1"], await Serials(node, campaign.Id, CampaignPart.NotErased));
        var queued = await node.Devices.Append(Make.Command(a.Id) with { RequestType = "EraseDevice" });
        Assert.True(Assert.Single(await node.Campaigns.ListDevices(Scope.District, campaign.Id, CampaignPart.All, null, null, 5)).ErasureWaits);
        Assert.True(await node.Devices.Finish(Make.Finish(a.Id, queued.Sequence) with { FinishedAt = Make.Now.AddDays(3) }));
        var row = Assert.Single(await node.Campaigns.ListDevices(Scope.District, campaign.Id, CampaignPart.All, null, null, 5));
        Assert.Equal((false, Make.Now.AddDays(3), EnrolmentStatus.Enrolled), (row.ErasureWaits, row.ErasedAt, row.Status));
        Assert.Empty(await Serials(node, campaign.Id, CampaignPart.NotErased));
        Assert.Equal(1, Assert.Single(await node.Campaigns.Count(Scope.District, [campaign.Id])).Erased);
    }
}
