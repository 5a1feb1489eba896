using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using FleetMdm.Api.Tests.Admin;
using FleetMdm.VirtualFleet.Apple;

namespace FleetMdm.Api.Tests.AppsAndBooks;

/// <summary>Apps and Books as an administrator, Apple and an iPad meet it.</summary>
public sealed class AppsAndBooksTests(AppsAndBooksHost host) : IClassFixture<AppsAndBooksHost>, IAsyncLifetime
{
    private const long Pages = 361309726;

    private static int _serials;

    /// <summary>The App Store tells its name only to those who send the token: it is a custom app.</summary>
    private static SimulatedAsset PagesAsset => new("361309726", "STDQ") { Store = ("Pages", "com.apple.Pages"), IsCustom = true };

    private static string Serial() => $"BOUGHT{Interlocked.Increment(ref _serials):D5}";

    public ValueTask InitializeAsync()
    {
        host.Apple.Faults.Clear();
        host.IsOutOfReach = false;
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        host.Apple.Faults.Clear();
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    private static string Serials(params string[] serials) => string.Join(" or ", serials.Select(serial => $"serial:{serial}"));

    private async Task<JsonObject> Location(string id) => await host.Get($"apps-and-books/locations/{id}");

    private async Task<JsonObject> Asset(string location, string adam = "361309726") =>
        (await host.Get($"apps-and-books/assets?location={location}&q={adam}"))["items"]!.AsArray().Single()!.AsObject();

    [Fact]
    public async Task A_location_is_connected_and_what_it_owns_stands_there_with_names_over_several_pages()
    {
        SimulatedAsset[] assets =
        [
            PagesAsset, new("361285480", "STDQ") { Store = ("Keynote", "com.apple.Keynote") }, new("361285480", "PLUS") { Store = ("Keynote", "com.apple.Keynote") },
            new("999", "STDQ"), new("12345", "STDQ") { ProductType = "Book", DeviceAssignable = false, Revocable = false, Store = ("A Book", "") },
        ];
        var (id, location) = await host.Connect(claimed: false, [.. assets.Select(asset => (asset, 10))]);

        var view = await Location(id);
        Assert.Equal((location.Name, location.UId, "Springfield School District", "SE"), ((string?)view["name"], (string?)view["uid"], (string?)view["organization"], (string?)view["country"]));
        Assert.InRange((int)view["tokenDaysLeft"]!, 363, 365);
        Assert.False((bool)view["claim"]!["ours"]!);
        Assert.DoesNotContain(location.Token, view.ToJsonString(), StringComparison.Ordinal);
        // Nothing is written at Apple before somebody claims it.
        Assert.DoesNotContain(host.Apple.Requests, request => request.UId == location.UId && request.Method == "POST");

        var owned = (await host.Get($"apps-and-books/assets?location={id}"))["items"]!.AsArray();
        Assert.Equal(["999", "A Book", "Keynote", "Keynote", "Pages"], owned.Select(one => (string?)one!["name"] ?? (string?)one["adamId"]));
        Assert.Equal(("com.apple.Pages", 10, 0, 10), ((string?)owned[4]!["bundleId"], (int)owned[4]!["total"]!, (int)owned[4]!["assigned"]!, (int)owned[4]!["available"]!));
        Assert.False((bool)owned[1]!["deviceAssignable"]!);

        // Page by page.
        var (seen, next) = (new List<string>(), (string?)null);
        do
        {
            var page = await host.Get($"apps-and-books/assets?location={id}&limit=2{(next is null ? "" : $"&after={next}")}");
            seen.AddRange(page["items"]!.AsArray().Select(one => $"{one!["adamId"]} {one["pricing"]}"));
            next = (string?)page["next"];
        }
        while (next is not null);
        Assert.Equal(5, seen.Distinct().Count());

        foreach (var path in (string[])["/apps-and-books", $"/apps-and-books?location={id}&short=true", "/apps-and-books/locations", $"/apps-and-books/locations/{id}", $"/apps-and-books/locations/{id}/licences", $"/apps-and-books/locations/{id}/delete", "/hosted-apps", "/assignments/new?what=bought"])
        {
            using var shown = await host.Admin.GetAsync(path);
            var text = await shown.Content.ReadAsStringAsync();
            Assert.True(shown.StatusCode == HttpStatusCode.OK, $"{path}: {text}");
            Assert.DoesNotContain(location.Token, text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task An_assigned_app_gets_its_licence_first_then_it_is_installed_and_both_go_when_the_assignment_does()
    {
        var (id, location) = await host.Connect(true, (PagesAsset, 5));
        var (one, two) = (await host.Server.Enrol(serial: Serial()), await host.Server.Enrol(serial: Serial()));
        var (first, second) = ($"BOUGHT{_serials - 1:D5}", $"BOUGHT{_serials:D5}");

        var assignment = await host.Assign(id, Pages, Serials(first, second));

        var (uuid, body) = await AppsAndBooksHost.Awaited(one);
        Assert.Contains("<string>InstallApplication</string>", body, StringComparison.Ordinal);
        Assert.Contains("<key>PurchaseMethod</key>", body, StringComparison.Ordinal);
        Assert.Equal([first, second], location.Holders("361309726"));
        // For both iPads Apple was asked once.
        Assert.Single(host.Apple.Requests, request => request.UId == location.UId && request.Path == "assets/associate");
        await AppsAndBooksHost.Report(one, uuid);
        Assert.Null(await AppsAndBooksHost.Next(one));
        Assert.Equal(("installed", "It is on the iPad."), await host.Of(one, assignment));
        await AppsAndBooksHost.Until(async () => (int)(await Asset(id))["available"]! == 3, "it is counted");
        Assert.Equal(["held", "held"], (await host.Get($"apps-and-books/locations/{id}/licences"))["items"]!.AsArray().Select(licence => (string?)licence!["state"]));

        using var refused = await host.Admin.DeleteAsync($"/api/v1/apps-and-books/locations/{id}");
        await AdminServer.Problem(refused, 409);
        using var gone = await host.Admin.DeleteAsync($"/api/v1/assignments/{assignment["id"]}");
        Assert.Equal(HttpStatusCode.NoContent, gone.StatusCode);
        var (removal, removing) = await AppsAndBooksHost.Awaited(one);
        Assert.Contains("RemoveApplication", removing, StringComparison.Ordinal);
        await AppsAndBooksHost.Report(one, removal);
        await host.MinuteLater(id);
        // Also that of the iPad that never came.
        await AppsAndBooksHost.Until(() => Task.FromResult(location.Holders("361309726").Count == 0), "the licences are given back");
        await AppsAndBooksHost.Until(async () => (int)(await Asset(id))["available"]! == 5, "they are counted");
        using var removed = await host.Admin.DeleteAsync($"/api/v1/apps-and-books/locations/{id}");
        Assert.Equal(HttpStatusCode.NoContent, removed.StatusCode);
        Assert.NotNull(two);
    }

    [Fact]
    public async Task An_app_that_stays_keeps_its_licence()
    {
        var (id, location) = await host.Connect(true, (PagesAsset, 1));
        var serial = Serial();
        var pad = await host.Server.Enrol(serial: serial);
        var assignment = await host.Assign(id, Pages, Serials(serial), keep: true);
        await AppsAndBooksHost.Report(pad, (await AppsAndBooksHost.Awaited(pad)).Uuid);
        Assert.Null(await AppsAndBooksHost.Next(pad));
        using var gone = await host.Admin.DeleteAsync($"/api/v1/assignments/{assignment["id"]}");
        Assert.Equal(HttpStatusCode.NoContent, gone.StatusCode);
        Assert.Null(await AppsAndBooksHost.Next(pad));

        await host.Post($"apps-and-books/locations/{id}/sync");
        await AppsAndBooksHost.Until(async () => !(bool)(await Location(id))["working"]!, "the round has ended");
        Assert.Equal([serial], location.Holders("361309726"));
    }

    [Fact]
    public async Task When_licences_run_out_the_preview_says_it_before_and_those_who_wait_say_it_after()
    {
        var (id, location) = await host.Connect(true, (PagesAsset, 2));
        string[] serials = [Serial(), Serial(), Serial(), Serial(), Serial()];
        var pads = new List<TestPad>();
        foreach (var serial in serials) pads.Add(await host.Server.Enrol(serial: serial));

        var body = $$"""{"name": "Too many {{Guid.NewGuid():N}}", "app": {"iTunesStoreID": {{Pages}}, "location": "{{id}}"}, "target": "{{Serials(serials)}}"}""";
        var licences = (await host.Post("assignments?dryRun=true", body))["licences"]!;
        Assert.Equal((5, 2, 3), ((int)licences["needed"]!, (int)licences["available"]!, (int)licences["missing"]!));
        using var preview = await host.Admin.GetAsync($"/assignments/new?what=bought&name=x&bought={id}/{Pages}/STDQ&target={Uri.EscapeDataString(Serials(serials))}&preview=true");
        Assert.Contains("3 licences are missing", await preview.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.DoesNotContain(host.Apple.Requests, request => request.UId == location.UId && request.Path == "assets/associate");

        var assignment = await host.Post("assignments", body, 201);
        await AppsAndBooksHost.Until(() => Task.FromResult(location.Holders("361309726").Count == 2), "two have theirs");
        async Task<int> Waiting()
        {
            var words = new List<string>();
            foreach (var pad in pads) words.Add((await host.Of(pad, assignment)).Words);
            return words.Count(one => one == "No licence is left: 3 are missing.");
        }

        await AppsAndBooksHost.Until(async () => await Waiting() == 3, "three say why they wait");
        foreach (var pad in pads) await AppsAndBooksHost.Next(pad);
        Assert.Equal(3, await Waiting());
        await AppsAndBooksHost.Until(async () => await Asset(id) is var asset && ((int)asset["total"]!, (int)asset["available"]!, (int)asset["wanted"]!, (int)asset["missing"]!) == (2, 0, 3, 3), "it is counted");
        using var overview = await host.Admin.GetAsync("/");
        Assert.Contains("too few licences", await overview.Content.ReadAsStringAsync(), StringComparison.Ordinal);

        // Somebody buys more.
        location.Buy(PagesAsset, 3);
        await host.Post($"apps-and-books/locations/{id}/sync");
        await AppsAndBooksHost.Until(() => Task.FromResult(location.Holders("361309726").Count == 5), "all have theirs");
        using var gone = await host.Admin.DeleteAsync($"/api/v1/assignments/{assignment["id"]}");
        Assert.Equal(HttpStatusCode.NoContent, gone.StatusCode);
    }

    [Fact]
    public async Task A_licence_that_the_iPad_does_not_see_yet_is_no_failure_and_the_installation_is_tried_again()
    {
        var (id, _) = await host.Connect(true, (PagesAsset, 1));
        var serial = Serial();
        var pad = await host.Server.Enrol(serial: serial);
        var assignment = await host.Assign(id, Pages, Serials(serial));
        var (uuid, _) = await AppsAndBooksHost.Awaited(pad);

        await AppsAndBooksHost.Report(pad, uuid, "License not found (ASDServerErrorDomain 9610)");

        Assert.Null(await AppsAndBooksHost.Next(pad));
        Assert.Equal(("waiting", "The licence is there, and the iPad does not see it yet. The installation is tried again."), await host.Of(pad, assignment));
        var again = (await host.Get($"devices/{Uri.EscapeDataString(pad.Id)}/assignments"))["items"]!.AsArray().Single()!["triedAgainAt"];
        Assert.NotNull(again);
        // The time passes.
        await host.Server.Execute($"UPDATE assignment_devices SET due_at = 1 WHERE device_id = '{pad.Id}'");
        await pad.Grain.Reload();
        await AppsAndBooksHost.Report(pad, (await AppsAndBooksHost.Awaited(pad)).Uuid);
        Assert.Null(await AppsAndBooksHost.Next(pad));
        Assert.Equal("installed", (await host.Of(pad, assignment)).State);
    }

    [Fact]
    public async Task A_location_that_another_server_has_claimed_is_said_and_nothing_is_written_until_it_is_taken_over()
    {
        var location = host.Apple.AddLocation("Shared " + Guid.NewGuid().ToString("N")[..8]);
        location.Buy(PagesAsset, 3);
        location.ClaimFor("other-server", "Other MDM");
        var id = (string)(await host.Upload(location.Token))["id"]!;
        await AppsAndBooksHost.Until(async () => (await Location(id))["syncedAt"] is not null, "it is read");
        Assert.Equal((false, "Other MDM"), ((bool)(await Location(id))["claim"]!["ours"]!, (string?)(await Location(id))["claim"]!["by"]));
        var serial = Serial();
        var pad = await host.Server.Enrol(serial: serial);
        var assignment = await host.Assign(id, Pages, Serials(serial));
        await AppsAndBooksHost.Until(async () => (await host.Of(pad, assignment)).Words.Contains("not claimed for this server", StringComparison.Ordinal), "it says why it waits");

        using var refused = await host.Admin.PostAsync($"/api/v1/apps-and-books/locations/{id}/claim", null);
        var problem = await AdminServer.Problem(refused, 409);
        Assert.Equal("claimed", (string?)problem["code"]);
        Assert.Contains("Other MDM", (string)problem["detail"]!, StringComparison.Ordinal);
        Assert.DoesNotContain(host.Apple.Requests, request => request.UId == location.UId && request.Method == "POST");

        await host.Post($"apps-and-books/locations/{id}/claim?takeOver=true");
        await AppsAndBooksHost.Until(() => Task.FromResult(location.Holders("361309726").SequenceEqual([serial])), "the licence is given");

        // The other one comes back.
        location.ClaimFor("other-server", "Other MDM");
        await host.Post($"apps-and-books/locations/{id}/sync");
        await AppsAndBooksHost.Until(async () => (string?)(await Location(id))["problem"]?["code"] == "claimedByAnother", "it is said");
        using var overview = await host.Admin.GetAsync("/");
        Assert.Contains("manages the location", await overview.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        using var gone = await host.Admin.DeleteAsync($"/api/v1/assignments/{assignment["id"]}");
        Assert.Equal(HttpStatusCode.NoContent, gone.StatusCode);
        await host.Post($"apps-and-books/locations/{id}/sync");
        await AppsAndBooksHost.Until(async () => !(bool)(await Location(id))["working"]!, "the round has ended");
        Assert.Equal([serial], location.Holders("361309726"));
    }

    [Fact]
    public async Task A_newer_token_of_the_same_location_renews_it_and_an_older_one_does_not()
    {
        var location = host.Apple.AddLocation("Renewed " + Guid.NewGuid().ToString("N")[..8]);
        var first = await host.Upload(location.DownloadToken(TimeSpan.FromDays(5)));
        Assert.Equal(4, (int)first["tokenDaysLeft"]!);
        using var overview = await host.Admin.GetAsync("/");
        Assert.Contains($"until the content token of {location.Name} ends", await overview.Content.ReadAsStringAsync(), StringComparison.Ordinal);

        var second = await host.Upload(location.DownloadToken(TimeSpan.FromDays(365)));
        Assert.Equal((string)first["id"]!, (string)second["id"]!);
        Assert.InRange((int)second["tokenDaysLeft"]!, 363, 365);
        var older = await host.Upload(location.DownloadToken(TimeSpan.FromDays(100)), 422);
        Assert.Contains("older token", (string)older["detail"]!, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("this is no token")]
    [InlineData("bm90IGpzb24=")]
    [InlineData("e30=")]
    public async Task What_is_no_content_token_is_refused_in_words(string token)
    {
        var problem = await host.Upload(token, 422);
        Assert.Equal("invalid-content-token", (string?)problem["code"]);
        Assert.Contains("no content token", (string)problem["detail"]!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_token_that_has_ended_or_that_Apple_does_not_know_is_refused()
    {
        var location = host.Apple.AddLocation("Refused");
        var ended = Convert.ToBase64String(Encoding.UTF8.GetBytes("""{"token": "x", "expDate": "2020-01-01T00:00:00+0000", "orgName": "X"}"""));
        Assert.Contains("ended on 2020-01-01", (string)(await host.Upload(ended, 422))["detail"]!, StringComparison.Ordinal);
        var unknown = Convert.ToBase64String(Encoding.UTF8.GetBytes("""{"token": "x", "expDate": "2090-01-01T00:00:00+0000", "orgName": "X"}"""));
        Assert.Contains("does not know the content token", (string)(await host.Upload(unknown, 422))["detail"]!, StringComparison.Ordinal);
        var old = location.Token;
        location.DownloadToken();
        Assert.Contains("another one was downloaded", (string)(await host.Upload(old, 422))["detail"]!, StringComparison.Ordinal);
        host.Apple.Faults.Next("client/config", AppsAndBooksFault.Busy);
        Assert.Contains("not stored", (string)(await host.Upload(location.Token, 503))["detail"]!, StringComparison.Ordinal);
    }

    public static TheoryData<string, AppsAndBooksFault, string, string> Faults => new()
    {
        { "assets", AppsAndBooksFault.Throttled, "throttled", "fewer requests" },
        { "assets", AppsAndBooksFault.Busy, "unreachable", "cannot answer now" },
        { "assets", AppsAndBooksFault.Internal, "unreachable", "cannot answer now" },
        { "assets", AppsAndBooksFault.NotJson, "unreachable", "cannot answer now" },
        { "client/config", AppsAndBooksFault.TokenExpired, "tokenExpired", "has ended" },
        { "client/config", AppsAndBooksFault.TokenInvalid, "tokenInvalid", "does not know" },
        { "assignments", AppsAndBooksFault.TokenRevoked, "tokenRevoked", "another one was downloaded" },
        { "service/config", new AppsAndBooksFault.Cut(), "unreachable", "cannot be reached" },
        { "assets", new AppsAndBooksFault.Hang(), "unreachable", "did not answer within" },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task What_Apple_cannot_do_is_said_in_words_with_the_time_of_the_next_try(string path, AppsAndBooksFault fault, string code, string words)
    {
        // A location of its own has read nothing of Apple yet.
        var location = host.Apple.AddLocation("Faulty " + Guid.NewGuid().ToString("N")[..8]);
        location.Buy(PagesAsset, 1);
        if (path == "client/config") host.Apple.Faults.Next(path, new AppsAndBooksFault.Pass());
        host.Apple.Faults.Next(path, fault);
        var id = (string)(await host.Upload(location.Token))["id"]!;

        await AppsAndBooksHost.Until(async () => (await Location(id))["problem"] is not null, "it is said");
        host.Apple.Faults.Release();

        var view = await Location(id);
        Assert.Equal(code, (string?)view["problem"]!["code"]);
        Assert.Contains(words, (string)view["problem"]!["words"]!, StringComparison.Ordinal);
        Assert.True((DateTimeOffset)view["nextAt"]! > TimeProvider.System.GetUtcNow().AddSeconds(30));
        if (fault is AppsAndBooksFault.Answer { RetryAfterSeconds: { } seconds }) Assert.True((DateTimeOffset)view["nextAt"]! >= (DateTimeOffset)view["problem"]!["since"]! + TimeSpan.FromSeconds(seconds - 1));

        // Asked by a person, it goes on.
        await host.Post($"apps-and-books/locations/{id}/sync");
        await AppsAndBooksHost.Until(async () => (await Location(id))["problem"] is null && (int)(await Location(id))["apps"]! == 1, "it goes on");
    }

    [Fact]
    public async Task An_answer_that_is_lost_is_found_in_Apples_list_and_asked_for_once()
    {
        var (id, location) = await host.Connect(true, (PagesAsset, 3));
        var (given, not) = (Serial(), Serial());
        var (one, two) = (await host.Server.Enrol(serial: given), await host.Server.Enrol(serial: not));

        // Apple did it, and the server did not hear of it.
        host.Apple.Faults.Next("assets/associate", new AppsAndBooksFault.CutAfterwards());
        var first = await host.Assign(id, Pages, Serials(given));
        await AppsAndBooksHost.Until(async () => (await Location(id))["problem"] is not null, "the answer is lost");
        await host.Post($"apps-and-books/locations/{id}/sync");
        await AppsAndBooksHost.Awaited(one);
        Assert.Single(host.Apple.Requests, request => request.UId == location.UId && request.Path == "assets/associate");
        Assert.Contains(host.Apple.Requests, request => request.UId == location.UId && request.Path == "assignments" && request.Query.Contains($"serialNumber={given}", StringComparison.Ordinal));

        // Apple never heard of it: it is asked for again.
        host.Apple.Faults.Next("assets/associate", new AppsAndBooksFault.Cut());
        var second = await host.Assign(id, Pages, Serials(not));
        await AppsAndBooksHost.Until(async () => (await Location(id))["problem"] is not null, "the request is lost");
        await host.Post($"apps-and-books/locations/{id}/sync");
        await AppsAndBooksHost.Awaited(two);
        Assert.Equal([given, not], location.Holders("361309726"));
        Assert.Equal(2, (int)(await Asset(id))["assigned"]!);
        Assert.NotNull(first);
        Assert.NotNull(second);
    }

    [Fact]
    public async Task Of_a_request_that_fails_for_some_the_others_have_their_licence()
    {
        var (id, location) = await host.Connect(true, (PagesAsset, 5));
        var (good, bad) = (Serial(), Serial());
        var (one, two) = (await host.Server.Enrol(serial: good), await host.Server.Enrol(serial: bad));
        host.Apple.Faults.FailureOf[bad] = 9602;

        var assignment = await host.Assign(id, Pages, Serials(good, bad));

        await AppsAndBooksHost.Awaited(one);
        await AppsAndBooksHost.Until(async () => (await host.Of(two, assignment)).Words.Contains("Apple refuses the licence (9602", StringComparison.Ordinal), "the other one says why");
        Assert.Null(await AppsAndBooksHost.Next(two));
        Assert.Equal([good], location.Holders("361309726"));
    }

    [Fact]
    public async Task A_failure_that_names_nobody_is_settled_by_Apples_list()
    {
        var (id, location) = await host.Connect(true, (PagesAsset, 5));
        var (good, bad) = (Serial(), Serial());
        var (one, two) = (await host.Server.Enrol(serial: good), await host.Server.Enrol(serial: bad));
        host.Apple.Faults.SilentFailures = true;
        host.Apple.Faults.FailureOf[bad] = 9602;

        var assignment = await host.Assign(id, Pages, Serials(good, bad));

        await AppsAndBooksHost.Awaited(one);
        Assert.Equal([good], location.Holders("361309726"));
        Assert.Equal("waiting", (await host.Of(two, assignment)).State);
        host.Apple.Faults.Clear();
        await host.Post($"apps-and-books/locations/{id}/sync");
        await AppsAndBooksHost.Awaited(two);
    }

    [Fact]
    public async Task Licences_that_others_took_in_the_meantime_are_not_counted_on()
    {
        var (id, location) = await host.Connect(true, (PagesAsset, 1));
        // The portal gives the last one away, and this server has not heard.
        location.Give("361309726", "ELSEWHERE1");
        var serial = Serial();
        var pad = await host.Server.Enrol(serial: serial);

        var assignment = await host.Assign(id, Pages, Serials(serial));

        await AppsAndBooksHost.Until(async () => (await host.Of(pad, assignment)).Words == "No licence is left: 1 is missing.", "it says why it waits");
        Assert.Equal(["ELSEWHERE1"], location.Holders("361309726"));
    }

    [Fact]
    public async Task An_iPad_that_has_its_licence_already_needs_no_second_one()
    {
        var serial = Serial();
        var location = host.Apple.AddLocation("Before " + Guid.NewGuid().ToString("N")[..8]);
        location.Buy(PagesAsset, 1);
        location.Give("361309726", serial);
        var id = (string)(await host.Upload(location.Token))["id"]!;
        await host.Post($"apps-and-books/locations/{id}/claim");
        await AppsAndBooksHost.Until(async () => (await host.Get($"apps-and-books/locations/{id}/licences"))["items"]!.AsArray().Count == 1, "it is known");
        Assert.False((bool)(await host.Get($"apps-and-books/locations/{id}/licences"))["items"]![0]!["ours"]!);
        var pad = await host.Server.Enrol(serial: serial);

        await host.Assign(id, Pages, Serials(serial));

        Assert.Contains("InstallApplication", (await AppsAndBooksHost.Awaited(pad)).Body, StringComparison.Ordinal);
        Assert.DoesNotContain(host.Apple.Requests, request => request.UId == location.UId && request.Path == "assets/associate");
    }

    [Fact]
    public async Task A_list_that_changes_while_it_is_read_is_read_anew()
    {
        host.Apple.Faults.ChangesWhilePaging = 1;
        var (id, _) = await host.Connect(true, [.. Enumerable.Range(1, 7).Select(number => (new SimulatedAsset($"{700 + number}", "STDQ") { Store = ($"App {number}", $"org.example.app{number}") }, 1))]);
        Assert.Equal(7, (await host.Get($"apps-and-books/assets?location={id}"))["items"]!.AsArray().Count);
        Assert.Null((await Location(id))["problem"]);
    }

    [Fact]
    public async Task A_notification_has_Apple_asked_at_once_is_taken_once_and_needs_its_secret()
    {
        host.Apple.Faults.RepeatNotifications = true;
        var (id, location) = await host.Connect(true, (PagesAsset, 2));
        Assert.True((bool)(await Location(id))["claim"]!["notifies"]!);
        var serial = Serial();
        var pad = await host.Server.Enrol(serial: serial);
        await host.Assign(id, Pages, Serials(serial));
        await AppsAndBooksHost.Awaited(pad);
        Assert.NotNull((await Location(id))["notifiedAt"]);

        // A stranger.
        var path = new Uri(location.NotificationUrl!).AbsolutePath;
        async Task<HttpStatusCode> Notify(string to, string? secret, string body)
        {
            using var client = host.Server.Client();
            using var request = new HttpRequestMessage(HttpMethod.Post, to) { Content = AdminServer.Json(body) };
            if (secret is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", secret);
            using var answer = await client.SendAsync(request);
            return answer.StatusCode;
        }

        const string body = """{"notificationId": "1", "notificationType": "ASSET_COUNT", "notification": {}}""";
        Assert.Equal(HttpStatusCode.Unauthorized, await Notify(path, null, body));
        Assert.Equal(HttpStatusCode.Unauthorized, await Notify(path, "wrong", body));
        Assert.Equal(HttpStatusCode.NotFound, await Notify(path[..^4] + "0000", "wrong", body));
        Assert.Equal(HttpStatusCode.NotFound, await Notify("/mdm/apps-and-books/short", "wrong", body));
    }

    [Fact]
    public async Task A_slow_Apple_without_notifications_is_asked_until_it_has_given_the_licence()
    {
        var (id, location) = await host.Connect(true, (PagesAsset, 1));
        (host.Apple.Faults.HoldEvents, host.Apple.Faults.LoseNotifications, host.Apple.Faults.Delay) = (true, true, TimeSpan.FromMilliseconds(100));
        var serial = Serial();
        var pad = await host.Server.Enrol(serial: serial);
        var assignment = await host.Assign(id, Pages, Serials(serial));
        await AppsAndBooksHost.Until(async () => await host.Of(pad, assignment) == ("waiting", "Apple gives the licence."), "Apple works on it");
        await AppsAndBooksHost.Until(() => Task.FromResult(host.Apple.Requests.Any(request => request.UId == location.UId && request.Path == "status")), "Apple is asked");
        Assert.Null(await AppsAndBooksHost.Next(pad));

        host.Apple.Faults.HoldEvents = false;
        await AppsAndBooksHost.Awaited(pad);
        Assert.Single(host.Apple.Requests, request => request.UId == location.UId && request.Path == "assets/associate");
    }

    [Fact]
    public async Task A_licence_that_somebody_takes_in_Apple_School_Manager_is_asked_for_again_as_long_as_it_is_assigned()
    {
        var (id, location) = await host.Connect(true, (PagesAsset, 2));
        var serial = Serial();
        var pad = await host.Server.Enrol(serial: serial);
        await host.Assign(id, Pages, Serials(serial));
        await AppsAndBooksHost.Awaited(pad);
        await AppsAndBooksHost.Until(async () => (string?)(await host.Get($"apps-and-books/locations/{id}/licences"))["items"]![0]!["state"] == "held", "it is held");

        location.Take("361309726", serial);
        Assert.Empty(location.Holders("361309726"));
        await host.Post($"apps-and-books/locations/{id}/sync");

        await AppsAndBooksHost.Until(() => Task.FromResult(location.Holders("361309726").Count == 1), "it is given again");
    }

    [Fact]
    public async Task Where_Apple_does_not_reach_the_server_it_is_asked_instead()
    {
        host.IsOutOfReach = true;
        var (id, location) = await host.Connect(true, (PagesAsset, 1));
        Assert.Equal((true, false), ((bool)(await Location(id))["claim"]!["ours"]!, (bool)(await Location(id))["claim"]!["notifies"]!));
        var serial = Serial();
        var pad = await host.Server.Enrol(serial: serial);
        await host.Assign(id, Pages, Serials(serial));
        await AppsAndBooksHost.Awaited(pad);
        Assert.Equal([serial], location.Holders("361309726"));
    }

    [Fact]
    public async Task A_licence_that_is_given_back_goes_to_an_iPad_that_waits_for_one()
    {
        var (id, location) = await host.Connect(true, (PagesAsset, 1));
        var (first, second) = (Serial(), Serial());
        var (one, two) = (await host.Server.Enrol(serial: first), await host.Server.Enrol(serial: second));
        var assignment = await host.Assign(id, Pages, Serials(first));
        await AppsAndBooksHost.Report(one, (await AppsAndBooksHost.Awaited(one)).Uuid);
        var later = await host.Assign(id, Pages, Serials(second));
        await AppsAndBooksHost.Until(async () => (await host.Of(two, later)).Words == "No licence is left: 1 is missing.", "it waits");

        using var gone = await host.Admin.DeleteAsync($"/api/v1/assignments/{assignment["id"]}");
        Assert.Equal(HttpStatusCode.NoContent, gone.StatusCode);

        await host.MinuteLater(id);

        Assert.Contains("InstallApplication", (await AppsAndBooksHost.Awaited(two)).Body, StringComparison.Ordinal);
        Assert.Equal([second], location.Holders("361309726"));
    }

    [Fact]
    public async Task A_technician_of_a_school_can_neither_see_locations_nor_use_up_the_districts_licences()
    {
        var (id, location) = await host.Connect(true, (PagesAsset, 5));
        var school = (string)(await host.Post("schools", $$"""{"name": "School {{Guid.NewGuid():N}}"}""", 201))["id"]!;
        var made = await host.Post("tokens", new JsonObject { ["name"] = "t", ["role"] = "school-technician", ["schools"] = new JsonArray(school) }.ToJsonString(), 201);
        using var technician = host.Server.Client((string)made["token"]!);

        foreach (var path in (string[])["/api/v1/apps-and-books/locations", "/api/v1/apps-and-books/assets", $"/api/v1/apps-and-books/locations/{id}", $"/api/v1/apps-and-books/locations/{id}/licences"])
        {
            using var refused = await technician.GetAsync(path);
            Assert.Equal(HttpStatusCode.Forbidden, refused.StatusCode);
        }

        foreach (var query in (string[])["", "?dryRun=true"])
        {
            using var answer = await technician.PostAsync(
                $"/api/v1/assignments{query}", AdminServer.Json($$"""{"name": "S {{Guid.NewGuid():N}}", "app": {"iTunesStoreID": {{Pages}}, "location": "{{id}}"}, "schoolId": "{{school}}"}"""));
            await AdminServer.Blames(answer, "app.location");
        }

        Assert.Empty(location.Holders("361309726"));
    }

    [Fact]
    public async Task An_app_that_the_location_does_not_own_cannot_be_assigned()
    {
        var (id, _) = await host.Connect(false, (PagesAsset, 1), (new SimulatedAsset("55", "STDQ") { DeviceAssignable = false }, 1));
        async Task Refused(string app, string field)
        {
            using var answer = await host.Admin.PostAsync("/api/v1/assignments", AdminServer.Json($$"""{"name": "X {{Guid.NewGuid():N}}", "app": {{app}}}"""));
            await AdminServer.Blames(answer, field);
        }

        await Refused($$"""{"iTunesStoreID": 56, "location": "{{id}}"}""", "app.location");
        await Refused($$"""{"iTunesStoreID": 55, "location": "{{id}}"}""", "app.iTunesStoreID");
        await Refused($$"""{"iTunesStoreID": {{Pages}}, "location": "{{Guid.NewGuid()}}"}""", "app.location");
        await Refused($$"""{"iTunesStoreID": {{Pages}}, "location": 5}""", "app.location");
        await Refused($$"""{"location": "{{id}}"}""", "app.iTunesStoreID");
    }

    [Fact]
    public async Task A_claim_that_fails_leaves_the_notifications_as_they_were()
    {
        var (id, location) = await host.Connect(true, (PagesAsset, 2));
        await AppsAndBooksHost.Until(async () => !(bool)(await Location(id))["working"]!, "the round has ended");
        Assert.Null((await Location(id))["notifiedAt"]);
        // Apple answers the question whose the location is, and not the claim.
        host.Apple.Faults.Next("client/config", new AppsAndBooksFault.Pass());
        host.Apple.Faults.Next("client/config", AppsAndBooksFault.Busy);
        await host.Post($"apps-and-books/locations/{id}/claim", status: 503);

        await host.Apple.Notify(location, "ASSET_COUNT", new JsonObject { ["adamId"] = "361309726", ["pricingParam"] = "STDQ", ["countDelta"] = 1 });
        Assert.NotNull((await Location(id))["notifiedAt"]);
    }

    [Fact]
    public async Task A_claim_that_Apple_took_without_being_heard_has_the_new_address_taken_too()
    {
        var (id, location) = await host.Connect(true, (PagesAsset, 2));
        await AppsAndBooksHost.Until(async () => !(bool)(await Location(id))["working"]!, "the round has ended");
        var before = location.NotificationUrl;
        host.Apple.Faults.Next("client/config", new AppsAndBooksFault.Pass());
        host.Apple.Faults.Next("client/config", new AppsAndBooksFault.CutAfterwards());
        await host.Post($"apps-and-books/locations/{id}/claim", status: 503);
        Assert.NotEqual(before, location.NotificationUrl);

        await host.Apple.Notify(location, "ASSET_COUNT", new JsonObject { ["adamId"] = "361309726", ["pricingParam"] = "STDQ", ["countDelta"] = 1 });
        Assert.NotNull((await Location(id))["notifiedAt"]);
        // Apple uses it: so it is the one that counts, also when a later claim fails.
        host.Apple.Faults.Next("client/config", new AppsAndBooksFault.Pass());
        host.Apple.Faults.Next("client/config", AppsAndBooksFault.Busy);
        await host.Post($"apps-and-books/locations/{id}/claim", status: 503);
        Assert.True(await host.Apple.Notify(location, "ASSET_COUNT", new JsonObject { ["adamId"] = "361309726", ["pricingParam"] = "STDQ", ["countDelta"] = 1 }));
    }

    [Fact]
    public async Task What_is_found_out_of_a_lost_answer_is_counted()
    {
        var (id, _) = await host.Connect(true, (PagesAsset, 3));
        var serial = Serial();
        var pad = await host.Server.Enrol(serial: serial);
        host.Apple.Faults.LoseNotifications = true;
        host.Apple.Faults.Next("assets/associate", new AppsAndBooksFault.CutAfterwards());
        await host.Assign(id, Pages, Serials(serial));
        await AppsAndBooksHost.Until(async () => (await Location(id))["problem"] is not null, "the answer is lost");

        // The pause is over, and nobody asks for a whole read.
        await host.Server.Execute($"UPDATE content_locations SET next_at = 1 WHERE id = '{id}'");
        await host.Assign(id, Pages, Serials(Serial()));

        await AppsAndBooksHost.Awaited(pad);
        await AppsAndBooksHost.Until(async () => (int)(await Asset(id))["available"]! == 2, "it is counted");
    }

    [Fact]
    public async Task What_Apple_has_given_already_is_counted()
    {
        var (id, location) = await host.Connect(true, (PagesAsset, 3));
        var serial = Serial();
        var pad = await host.Server.Enrol(serial: serial);
        location.Give("361309726", serial);
        host.Apple.Faults.Next("assets/associate", new AppsAndBooksFault.Answer(400, 9616, "The license is already assigned."));

        await host.Assign(id, Pages, Serials(serial));

        await AppsAndBooksHost.Awaited(pad);
        await AppsAndBooksHost.Until(async () => (int)(await Asset(id))["available"]! == 2, "it is counted");
    }

    [Fact]
    public async Task Many_notifications_of_one_thing_make_few_requests_and_no_whole_read()
    {
        var (id, location) = await host.Connect(true, (PagesAsset, 2), (new SimulatedAsset("77", "STDQ"), 1));
        await AppsAndBooksHost.Until(async () => !(bool)(await Location(id))["working"]!, "the round has ended");
        location.Buy(PagesAsset, 5);
        var before = host.Apple.Requests.Count;

        for (var i = 0; i < 100; i++)
        {
            Assert.True(await host.Apple.Notify(location, "ASSET_COUNT", new JsonObject { ["adamId"] = "361309726", ["pricingParam"] = "STDQ", ["countDelta"] = 1 }));
            // Of a request that another server made.
            Assert.True(await host.Apple.Notify(location, "ASSET_MANAGEMENT", new JsonObject
            {
                ["eventId"] = $"elsewhere-{i}",
                ["type"] = "ASSOCIATE",
                ["result"] = "SUCCESS",
                ["assignments"] = new JsonArray(new JsonObject { ["adamId"] = "361309726", ["pricingParam"] = "STDQ", ["serialNumber"] = $"ELSE{i}" }),
            }));
        }

        await AppsAndBooksHost.Until(async () => (int)(await Asset(id))["available"]! == 7, "it is counted");
        await AppsAndBooksHost.Until(async () => !(bool)(await Location(id))["working"]!, "the round has ended");
        var asked = host.Apple.Requests.Skip(before).Where(request => request.UId == location.UId && request.Method == "GET").ToList();
        Assert.DoesNotContain(asked, request => request.Path == "assets" && !request.Query.Contains("adamId=", StringComparison.Ordinal));
        Assert.DoesNotContain(asked, request => request.Path == "assignments" && !request.Query.Contains("sinceVersionId=", StringComparison.Ordinal));
        Assert.InRange(asked.Count, 1, 20);
    }

    [Fact]
    public async Task The_record_of_an_upload_names_the_location()
    {
        var location = host.Apple.AddLocation("Recorded " + Guid.NewGuid().ToString("N")[..8]);
        var id = (string)(await host.Upload(location.Token))["id"]!;
        await host.Upload(location.DownloadToken());

        var records = (await host.Get($"audit?verb=apps-and-books.token&target={id}"))["items"]!.AsArray();
        Assert.Equal(2, records.Count);
    }
}
