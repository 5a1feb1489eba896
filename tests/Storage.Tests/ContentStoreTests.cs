using FleetMdm.Storage.AppsAndBooks;
using FleetMdm.Storage.Assignments;
using FleetMdm.Storage.Audit;

namespace FleetMdm.Storage.Tests;

public sealed class PostgresContentStoreTests(PostgresFixture fixture) : ContentStoreTests(fixture), IClassFixture<PostgresFixture>;

public sealed class SqliteContentStoreTests(SqliteFixture fixture) : ContentStoreTests(fixture), IClassFixture<SqliteFixture>;

public abstract class ContentStoreTests(StoreFixture fixture)
{
    private IContentStore Store => fixture.Node.Content;

    private IContentSyncStore Sync => fixture.Node.ContentSync;

    private static readonly DateTimeOffset Later = Make.Now.AddMinutes(1);

    private static string Serial() => "C" + Convert.ToHexString(Make.Hash().AsSpan(0, 6));

    private async Task<string> Location(params ContentAsset[] assets)
    {
        var (outcome, id) = await Sync.TakeToken(Guid.NewGuid().ToString("D"), Upload(Make.Id(), Make.Now.AddYears(1)), Make.Now);
        Assert.Equal(ContentOutcome.Written, outcome);
        await Sync.WriteAssets(id, assets, 1, Make.Now);
        return id;
    }

    private static ContentTokenUpload Upload(string uid, DateTimeOffset ends) =>
        new(id => System.Text.Encoding.ASCII.GetBytes(id), ends, "Springfield", "ada", new ContentConfig(uid, "North", "SE", null, null, null));

    private static ContentAsset Pages(long available = 5) => new() { AdamId = "361309726", Pricing = "STDQ", DeviceAssignable = true, Revocable = true, Total = 5, Assigned = 5 - available, Available = available };

    private async Task<(string Id, string Serial)> IPad()
    {
        var serial = Serial();
        var device = await Make.Enrolled(fixture.Node, row => row with { SerialNumber = serial });
        return (device.Id, serial);
    }

    private async Task<Assignment> Assign(string location, string target, bool keep = false)
    {
        var id = Guid.NewGuid().ToString("D");
        var assignment = new Assignment
        {
            Id = id,
            Version = 1,
            Name = id,
            Kind = AssignmentKind.App,
            Item = "app:" + id,
            Removal = "com.apple.Pages",
            Licence = new AssignedLicence(location, "361309726", "STDQ"),
            Command = [1, 2],
            Asked = [3],
            Target = target,
            Keep = keep,
            CreatedAt = Make.Now,
            CreatedBy = "ada",
            UpdatedAt = Make.Now,
            UpdatedBy = "ada",
        };
        Assert.Equal(AssignmentOutcome.Written, await fixture.Node.Assignments.Create(Scope.District, assignment, null));
        return assignment;
    }

    private async Task<ContentLicence?> Of(string location, string serial) => (await Store.ListLicences(Scope.District, location, null, null, null, 1000)).FirstOrDefault(row => row.Licence.SerialNumber == serial)?.Licence;

    private async Task<AssignmentStanding> Standing(string device, Assignment assignment) =>
        (await fixture.Node.Assignments.ListOfDevice(device)).Single(row => row.Standing.AssignmentId == assignment.Id).Standing;

    private Task<long> Count(string sql) => fixture.Node.Parts.Database.Read(s => s.Sql(sql).First(row => row.Long(0)));

    private static LicenceAnswer Held(string serial) => new("361309726", "STDQ", serial, LicenceState.Held, false, null, null);

    private async Task Give(string location, params string[] serials)
    {
        await Sync.Ask(location, "361309726", "STDQ", LicenceState.Asked, serials, Later);
        await Sync.SetEvent(location, "361309726", "STDQ", LicenceState.Asked, serials, "event", Later);
        await Sync.Settle(location, [.. serials.Select(Held)], Later);
    }

    [Fact]
    public async Task A_token_of_the_same_location_renews_it_and_an_older_one_is_told()
    {
        var uid = Make.Id();
        var (first, id) = await Sync.TakeToken("new-1" + uid, Upload(uid, Make.Now.AddDays(10)), Make.Now);
        var (second, same) = await Sync.TakeToken("new-2" + uid, Upload(uid, Make.Now.AddDays(365)), Later);
        var (third, _) = await Sync.TakeToken("new-3" + uid, Upload(uid, Make.Now.AddDays(100)), Later);

        Assert.Equal((ContentOutcome.Written, ContentOutcome.Written, ContentOutcome.OlderToken, id), (first, second, third, same));
        var row = (await Sync.Load(id))!;
        Assert.Equal((Make.Now.AddDays(365), Later), (row.TokenExpiresAt, row.TokenAt));
        // Sealed for the location that it is of.
        Assert.Equal(id, System.Text.Encoding.ASCII.GetString(row.SealedToken));
        Assert.Null(await Sync.Load("new-2" + uid));
    }

    [Fact]
    public async Task Only_one_of_two_who_read_the_same_row_writes()
    {
        var id = await Location();
        await Sync.Review(id, Make.Now);
        var row = (await Sync.Load(id))!;
        Assert.True(await Sync.Save(row, row with { Failures = 1, Problem = ContentProblem.Throttled, ProblemDetail = "x", NextAt = Later }));
        Assert.False(await Sync.Save(row, row with { Failures = 7 }));
        Assert.Equal((1, ContentProblem.Throttled), ((await Sync.Load(id))!.Failures, (await Sync.Load(id))!.Problem));
        Assert.Contains(id, await Sync.ListDue(Later, 1000));
        Assert.DoesNotContain(id, await Sync.ListDue(Make.Now, 1000));
    }

    [Fact]
    public async Task Assets_are_listed_by_name_page_by_page_and_what_a_read_does_not_list_is_gone()
    {
        var id = await Location(Pages(), new ContentAsset { AdamId = "2", Pricing = "STDQ" }, new ContentAsset { AdamId = "2", Pricing = "PLUS" }, new ContentAsset { AdamId = "3", Pricing = "STDQ" });
        Assert.Equal(["2", "3", "361309726"], await Sync.ListNameless(id, Make.Now, 100));
        await Sync.WriteNames(id, [("361309726", "Ämne", "com.apple.Pages"), ("2", "Zebra", "org.z"), ("3", null, null)], Make.Now);
        Assert.Empty(await Sync.ListNameless(id, Make.Now, 100));

        var all = await Store.ListAssets(Scope.District, id, null, false, null, 100);
        Assert.Equal(4, all.Count);
        var (paged, after) = (new List<string>(), (string?)null);
        while (await Store.ListAssets(Scope.District, id, null, false, after, 1) is [var one])
        {
            paged.Add(one.Asset.AdamId + one.Asset.Pricing);
            after = IContentStore.PlaceOf(one);
        }

        Assert.Equal(all.Select(one => one.Asset.AdamId + one.Asset.Pricing), paged);
        Assert.Equal("361309726", Assert.Single(await Store.ListAssets(Scope.District, id, "ämn", false, null, 100)).Asset.AdamId);
        Assert.Equal("STDQ", (await Store.FindAsset(id, "2", null))!.Asset.Pricing);
        Assert.Empty(await Store.ListAssets(Scope.Of(["a school"]), id, null, false, null, 100));
        Assert.Empty(await Store.ListLocations(Scope.Of(["a school"])));

        await Sync.WriteAssets(id, [Pages(1)], 2, Later);
        await Sync.EndAssets(id, 2);
        var left = Assert.Single(await Store.ListAssets(Scope.District, id, null, false, null, 100));
        Assert.Equal((1, "Ämne", "com.apple.Pages"), (left.Asset.Available, left.Asset.Name, left.Asset.BundleId));
    }

    [Fact]
    public async Task A_licence_is_wanted_for_each_iPad_of_an_assignment_and_whoever_gets_it_is_due()
    {
        var id = await Location(Pages());
        var (one, two) = (await IPad(), await IPad());
        var assignment = await Assign(id, $"serial:{one.Serial} or serial:{two.Serial}");
        Assert.Equal(assignment.Licence, (await fixture.Node.Assignments.Find(Scope.District, assignment.Id))!.Assignment.Licence);

        await Sync.Review(id, Make.Now);
        Assert.Equal(0, await Sync.Review(id, Make.Now));
        var (asset, state, count) = Assert.Single(await Sync.ListWork(id, Make.Now));
        Assert.Equal(("361309726", 5L, LicenceState.Wanted, 2L), (asset.AdamId, asset.Available, state, count));
        Assert.Equal(Make.Now, await Sync.NextWorkAt(id));
        var serials = await Sync.ListDueLicences(id, "361309726", "STDQ", LicenceState.Wanted, Make.Now, 10);
        Assert.Equal(new[] { one.Serial, two.Serial }.Order(StringComparer.Ordinal), serials);

        await Sync.Ask(id, "361309726", "STDQ", LicenceState.Asked, serials, Later);
        Assert.Equal(2, (await Sync.ListLost(id, 10)).Count);
        Assert.Equal("Apple gives the licence.", (await Standing(one.Id, assignment)).Reason);
        await Sync.SetEvent(id, "361309726", "STDQ", LicenceState.Asked, serials, "e1", Later.AddSeconds(2));
        Assert.Empty(await Sync.ListLost(id, 10));
        Assert.Equal(new ContentEvent("e1", LicenceState.Asked, Later), Assert.Single(await Sync.ListEvents(id)));
        Assert.Equal(2, (await Sync.ListOfEvent(id, "e1")).Count);

        var at = Later.AddSeconds(5);
        Assert.Equal(1, await Sync.Settle(id, [Held(one.Serial), new LicenceAnswer("361309726", "STDQ", two.Serial, LicenceState.Wanted, false, at.AddHours(1), "No licence is left.")], at));
        Assert.Equal((at, null), ((await Standing(one.Id, assignment)).DueAt, (await Standing(one.Id, assignment)).Reason));
        Assert.Equal("No licence is left.", (await Standing(two.Id, assignment)).Reason);
        var (which, licence) = Assert.Single(await Sync.OfDevice(one.Serial));
        Assert.Equal((assignment.Licence!, LicenceState.Held), (which, licence.State));
        Assert.Empty(await Sync.ListWork(id, at));
        Assert.Single(await Sync.ListWork(id, at.AddHours(1)));
        // More were bought.
        await Sync.Retry(id, all: false, at);
        Assert.Single(await Sync.ListWork(id, at));
        await Sync.Refuse(id, "361309726", "STDQ", "No licence is left: 1 is missing.", at.AddMinutes(15), at);
        Assert.Empty(await Sync.ListWork(id, at));
        Assert.Equal("No licence is left: 1 is missing.", (await Standing(two.Id, assignment)).Reason);
    }

    [Fact]
    public async Task All_who_wait_say_the_same_number_whenever_each_of_them_was_refused()
    {
        var id = await Location(Pages());
        var (one, two) = (await IPad(), await IPad());
        var assignment = await Assign(id, $"serial:{one.Serial} or serial:{two.Serial}");
        await Sync.Review(id, Make.Now);
        await Sync.Ask(id, "361309726", "STDQ", LicenceState.Asked, [two.Serial], Later);
        await Sync.Settle(id, [new LicenceAnswer("361309726", "STDQ", two.Serial, LicenceState.Wanted, false, Later.AddHours(1), "No licence is left.")], Later);

        // One of them is due. Both are missing one.
        Assert.Equal(2, Assert.Single(await Sync.ListWork(id, Later)).Count);
        await Sync.Refuse(id, "361309726", "STDQ", "No licence is left: 2 are missing.", Later.AddMinutes(15), Later);
        foreach (var pad in new[] { one, two }) Assert.Equal("No licence is left: 2 are missing.", (await Standing(pad.Id, assignment)).Reason);
        Assert.Equal([one.Serial], await Sync.ListDueLicences(id, "361309726", "STDQ", LicenceState.Wanted, Later.AddMinutes(20), 10));
    }

    [Fact]
    public async Task Who_leaves_gives_its_licence_back_unless_the_app_stays()
    {
        var id = await Location(Pages());
        var (goes, stays) = (await IPad(), await IPad());
        var assignment = await Assign(id, $"serial:{goes.Serial}");
        var kept = await Assign(id, $"serial:{stays.Serial}", keep: true);
        await Sync.Review(id, Make.Now);
        await Give(id, goes.Serial, stays.Serial);

        await fixture.Node.Assignments.Delete(Scope.District, assignment.Id, Later, null);
        await fixture.Node.Assignments.Delete(Scope.District, kept.Id, Later, null);
        await Sync.Review(id, Later);

        Assert.Equal((LicenceState.Leaving, LicenceState.Held), ((await Of(id, goes.Serial))!.State, (await Of(id, stays.Serial))!.State));
        await Sync.Ask(id, "361309726", "STDQ", LicenceState.Returning, [goes.Serial], Later);
        await Sync.Settle(id, [new LicenceAnswer("361309726", "STDQ", goes.Serial, LicenceState.Held, Gone: true, null, null)], Later);
        Assert.Null(await Of(id, goes.Serial));
    }

    [Fact]
    public async Task What_is_wanted_again_before_it_went_back_stays_and_what_was_never_asked_for_is_forgotten()
    {
        var id = await Location(Pages());
        var (held, wanted) = (await IPad(), await IPad());
        var assignment = await Assign(id, $"serial:{held.Serial} or serial:{wanted.Serial}");
        await Sync.Review(id, Make.Now);
        await Give(id, held.Serial);
        await fixture.Node.Assignments.Delete(Scope.District, assignment.Id, Later, null);
        await Sync.Review(id, Later);
        Assert.Equal(LicenceState.Leaving, (await Of(id, held.Serial))!.State);
        Assert.Null(await Of(id, wanted.Serial));

        await Assign(id, $"serial:{held.Serial}");
        await Sync.Review(id, Later);
        Assert.Equal(LicenceState.Held, (await Of(id, held.Serial))!.State);
        Assert.Empty(await Sync.ListWork(id, Later));
    }

    [Fact]
    public async Task An_iPad_that_is_not_enrolled_any_more_gives_its_licences_back_after_an_hour()
    {
        var id = await Location(Pages());
        var pad = await IPad();
        var assignment = await Assign(id, $"serial:{pad.Serial}", keep: true);
        await Sync.Review(id, Make.Now);
        await Give(id, pad.Serial);
        await fixture.Execute($"UPDATE devices SET status = 3 WHERE id = '{pad.Id}'");

        await Sync.Review(id, Later);

        Assert.Empty(await Sync.ListWork(id, Later.AddMinutes(59)));
        Assert.Equal(LicenceState.Leaving, Assert.Single(await Sync.ListWork(id, Later.AddHours(1))).State);
        await fixture.Execute($"UPDATE devices SET status = 2 WHERE id = '{pad.Id}'");
        // It has its licence after all, and is told.
        Assert.Equal(1, await Sync.Review(id, Later.AddMinutes(5)));
        Assert.Equal(LicenceState.Held, (await Of(id, pad.Serial))!.State);
        Assert.Equal(Later.AddMinutes(5), (await Standing(pad.Id, assignment)).DueAt);
        Assert.Equal(0, await Sync.Review(id, Later.AddMinutes(6)));
    }

    [Fact]
    public async Task What_Apple_lists_is_held_and_what_it_does_not_list_is_not()
    {
        var id = await Location(Pages());
        var pad = await IPad();
        var assignment = await Assign(id, $"serial:{pad.Serial}");
        await Sync.Review(id, Make.Now);

        await Sync.TakeLicences(id, [("361309726", "STDQ", pad.Serial), ("361309726", "STDQ", "OTHER1")], 10, Later);

        Assert.Equal((LicenceState.Held, true), ((await Of(id, pad.Serial))!.State, (await Of(id, pad.Serial))!.Ours));
        Assert.Equal((LicenceState.Held, false), ((await Of(id, "OTHER1"))!.State, (await Of(id, "OTHER1"))!.Ours));
        Assert.Equal(Later, (await Standing(pad.Id, assignment)).DueAt);
        // Those of others are not ours to give back.
        await Sync.Review(id, Later);
        Assert.Equal(LicenceState.Held, (await Of(id, "OTHER1"))!.State);

        await Sync.TakeLicences(id, [("361309726", "STDQ", pad.Serial)], 20, Later.AddHours(1));
        await Sync.EndLicences(id, 20, Later.AddHours(1));
        Assert.Null(await Of(id, "OTHER1"));
        Assert.Equal(LicenceState.Held, (await Of(id, pad.Serial))!.State);
        // A read that began before it was given says nothing of it.
        await Sync.EndLicences(id, 30, Make.Now);
        Assert.NotNull(await Of(id, pad.Serial));
    }

    [Fact]
    public async Task A_plan_counts_the_iPads_that_lack_a_licence_and_those_that_wait_elsewhere()
    {
        var id = await Location(Pages(2));
        var (has, lacks, other) = (await IPad(), await IPad(), await IPad());
        await Assign(id, $"serial:{has.Serial} or serial:{other.Serial}");
        await Sync.Review(id, Make.Now);
        await Give(id, has.Serial);

        var plan = await fixture.Node.Assignments.Plan(
            Scope.District, null, new AssignmentTarget($"serial:{has.Serial} or serial:{lacks.Serial}", null, null, Make.Now), [], 10, new AssignedLicence(id, "361309726", "STDQ"));

        Assert.Equal((2, 1, 1), (plan.Total, plan.WithoutLicence, plan.OthersWaiting));
    }

    [Fact]
    public async Task A_location_that_is_used_is_not_removed_and_a_notification_is_taken_once()
    {
        var id = await Location(Pages());
        var assignment = await Assign(id, "serial:NOBODY");
        Assert.Equal(ContentOutcome.InUse, await Store.DeleteLocation(id, null));
        await fixture.Node.Assignments.Delete(Scope.District, assignment.Id, Later, null);

        Assert.True(await Sync.SetClaim(id, new ContentConfig("u", "North", "SE", ContentLocation.OwnMdmIdOf(id), "FleetMdm", null), Later, "ada", [1], [2, 3, 4]));
        Assert.True((await Sync.Load(id))!.IsOurs);
        var place = (await Store.FindByNotify([2, 3, 4]))!;
        Assert.Equal(id, place.LocationId);
        Assert.Null(await Store.FindByNotify([9]));
        var notification = Make.Id();
        Assert.True(await Store.TakeNotification(place, notification, Later));
        Assert.False(await Store.TakeNotification(place, notification, Later));
        Assert.Equal(Later, (await Sync.Load(id))!.NotifiedAt);
        Assert.True(await Sync.ForgetNotifications(Later.AddDays(1)) >= 1);

        Assert.Equal(ContentOutcome.Written, await Store.DeleteLocation(id, AuditRecord.New(Later, AuditActor.Server, AuditVerbs.ContentDelete)));
        Assert.Null(await Sync.Load(id));
        Assert.Equal(ContentOutcome.NotFound, await Store.DeleteLocation(id, null));
    }

    [Fact]
    public async Task Two_who_bring_the_token_of_a_new_location_at_once_have_one_location()
    {
        for (var round = 0; round < 5; round++)
        {
            var uid = Make.Id();
            var taken = await Task.WhenAll(Enumerable.Range(0, 6).Select(one => Task.Run(() => Sync.TakeToken($"{one}-{uid}", Upload(uid, Make.Now.AddYears(1)), Make.Now))));

            Assert.All(taken, one => Assert.Equal(ContentOutcome.Written, one.Outcome));
            var id = Assert.Single(taken.Select(one => one.Id).Distinct());
            Assert.Equal(id, Assert.Single(await Store.ListLocations(Scope.District), row => row.Location.Uid == uid).Location.Id);
            Assert.Equal(id, System.Text.Encoding.ASCII.GetString((await Sync.Load(id))!.SealedToken));
        }
    }

    [Fact]
    public async Task Of_a_location_that_is_removed_while_it_is_read_nothing_stays_behind()
    {
        var id = await Location(Pages());
        var pad = await IPad();
        var place = new ContentPlace(id, "u", [1], [2]);
        Assert.True(await Store.TakeNotification(place, Make.Id(), Later));
        Assert.Equal(ContentOutcome.Written, await Store.DeleteLocation(id, null));

        // The round goes on for a moment. An assignment that was saved at the same time may be there too.
        await Assign(await Location(), $"serial:{pad.Serial}");
        await fixture.Execute($"UPDATE assignments SET content_location = '{id}' WHERE target = 'serial:{pad.Serial}'");
        await Sync.WriteAssets(id, [Pages()], 5, Later);
        Assert.Equal(0, await Sync.TakeLicences(id, [("361309726", "STDQ", pad.Serial)], 5, Later));
        await Sync.Review(id, Later);
        Assert.False(await Store.TakeNotification(place, Make.Id(), Later));

        foreach (var table in (string[])["content_assets", "content_licences"]) Assert.Equal(0, await Count($"SELECT count(*) FROM {table} WHERE location_id = '{id}'"));
        Assert.Equal(0, await Count($"SELECT count(*) FROM content_notifications WHERE id LIKE '{id}%'"));
    }

    [Fact]
    public async Task Only_a_location_whose_assignments_have_changed_is_looked_at()
    {
        var (one, other) = (await Location(Pages()), await Location(Pages()));
        await Sync.Review(one, Make.Now);
        await Sync.Review(other, Make.Now);
        Assert.Empty((await Sync.ListTouched()).Intersect([one, other]));
        var pad = await IPad();

        var assignment = await Assign(one, $"serial:{pad.Serial}");
        Assert.Equal([one], (await Sync.ListTouched()).Intersect([one, other]));
        Assert.Contains(one, await Sync.ListDue(Make.Now.AddDays(-1), 1000));
        Assert.True((await Sync.Load(one))!.Touched);
        await Sync.Review(one, Make.Now);
        Assert.DoesNotContain(one, await Sync.ListTouched());

        // Nobody comes or goes.
        await fixture.Node.Assignments.Reach(_ => true, Later);
        Assert.DoesNotContain(one, await Sync.ListTouched());
        // The app of another location: the one before gets its licence back.
        Assert.Equal(AssignmentOutcome.Written, await fixture.Node.Assignments.Change(Scope.District, assignment with { Version = 2, Licence = new AssignedLicence(other, "361309726", "STDQ") }, null));
        Assert.Equal(new[] { one, other }.Order(StringComparer.Ordinal), (await Sync.ListTouched()).Intersect([one, other]).Order(StringComparer.Ordinal));
        await Sync.Review(one, Make.Now);
        await Sync.Review(other, Make.Now);
        await fixture.Node.Assignments.Delete(Scope.District, assignment.Id, Later, null);
        Assert.Equal([other], (await Sync.ListTouched()).Intersect([one, other]));
    }

    [Fact]
    public async Task What_another_node_has_asked_for_is_not_asked_for_again()
    {
        var id = await Location(Pages());
        var (one, two) = (await IPad(), await IPad());
        await Assign(id, $"serial:{one.Serial} or serial:{two.Serial}");
        await Sync.Review(id, Make.Now);

        Assert.Equal([one.Serial], await Sync.Ask(id, "361309726", "STDQ", LicenceState.Asked, [one.Serial], Later));
        Assert.Equal([two.Serial], await Sync.Ask(id, "361309726", "STDQ", LicenceState.Asked, [one.Serial, two.Serial], Later.AddSeconds(1)));
        Assert.Empty(await Sync.Ask(id, "361309726", "STDQ", LicenceState.Asked, [one.Serial, two.Serial], Later.AddSeconds(2)));
    }

    [Fact]
    public async Task An_iPad_that_moves_between_two_assignments_of_one_app_keeps_its_licence()
    {
        var id = await Location(Pages());
        var pad = await IPad();
        var first = await Assign(id, $"serial:{pad.Serial}");
        await Sync.Review(id, Make.Now);
        await Give(id, pad.Serial);

        await fixture.Node.Assignments.Delete(Scope.District, first.Id, Later, null);
        await Sync.Review(id, Later);
        Assert.Equal(LicenceState.Leaving, (await Of(id, pad.Serial))!.State);
        // Who looks in between gives nothing back yet.
        Assert.Empty(await Sync.ListWork(id, Later.AddSeconds(59)));
        Assert.Equal(LicenceState.Leaving, Assert.Single(await Sync.ListWork(id, Later.AddMinutes(1))).State);

        await Assign(id, $"serial:{pad.Serial}");
        await Sync.Review(id, Later.AddSeconds(3));
        Assert.Equal(LicenceState.Held, (await Of(id, pad.Serial))!.State);
        Assert.Empty(await Sync.ListWork(id, Later.AddDays(1)));
    }
}
