using System.Text.Json.Nodes;
using FleetMdm.VirtualFleet.Apple;

namespace FleetMdm.VirtualFleet.Tests.Apple;

/// <summary>What Apple documents of Apps and Books, asked of the simulated one. docs/apple-simulators.md names the source of each.</summary>
public sealed class AppsAndBooksFacts : IAsyncLifetime
{
    private const string Claim = """
        "mdmInfo": {"id": "1", "name": "FleetMdm", "metadata": "x"}
        """;

    private const string Notify = """
        "notificationUrl": "https://mdm.example/notify", "notificationAuthToken": "a-secret"
        """;

    private ContentTalk _talk = null!;

    public async ValueTask InitializeAsync()
    {
        _talk = await ContentTalk.Begin(new AppsAndBooksSimulatorOptions { PageSize = 2, MaxAssets = 2, MaxSerialNumbers = 3 });
        _talk.Location.Buy(new SimulatedAsset("10", "STDQ") { Store = ("Pages", "com.apple.Pages") }, 2);
        _talk.Location.Buy(new SimulatedAsset("20", "PLUS") { Store = ("Ours", "org.example.ours"), IsCustom = true }, 5);
        _talk.Location.Buy(new SimulatedAsset("30", "STDQ") { ProductType = "Book", DeviceAssignable = false, Revocable = false }, 1);
    }

    public ValueTask DisposeAsync() => _talk.DisposeAsync();

    private static JsonObject Body(string json) => (JsonObject)JsonNode.Parse(json)!;

    private static JsonObject Pair(string adamId, params string[] serials) => new()
    {
        ["assets"] = new JsonArray(new JsonObject { ["adamId"] = adamId }),
        ["serialNumbers"] = new JsonArray([.. serials.Select(serial => JsonValue.Create(serial))]),
    };

    private static void Refused(Answer answer, int status, int number)
    {
        Assert.Equal((status, number, "application/json"), (answer.Status, (int?)answer.Json["errorNumber"], answer.MediaType));
        Assert.NotEmpty((string)answer.Json["errorMessage"]!);
    }

    [Fact]
    public async Task The_service_names_its_places_limits_kinds_of_notifications_and_errors_to_everybody()
    {
        var config = (await _talk.Recorder.Get("-", "/mdm/v2/service/config")).Json;
        Assert.Equal(["errorCodes", "limits", "notificationTypes", "urls"], config.Select(one => one.Key).Order(StringComparer.Ordinal));
        Assert.Equal(["associateAssets", "clientConfig", "contentMetadataLookup", "disassociateAssets", "eventStatus", "getAssets", "getAssignments"], config["urls"]!.AsObject().Select(one => one.Key).Order(StringComparer.Ordinal));
        Assert.EndsWith("/mdm/v2/assets/associate", (string)config["urls"]!["associateAssets"]!, StringComparison.Ordinal);
        Assert.Equal(["ASSET_COUNT", "ASSET_MANAGEMENT", "USER_ASSOCIATED", "USER_MANAGEMENT"], config["notificationTypes"]!.AsArray().Select(one => (string)one!).Order(StringComparer.Ordinal));
        Assert.Equal(15, (int?)config["limits"]!["maxRequestPerSecond"]);
        Assert.Contains(config["errorCodes"]!.AsArray(), one => (int)one!["errorNumber"]! == 9709);
    }

    [Fact]
    public async Task A_token_that_is_missing_malformed_ended_or_revoked_is_401()
    {
        Refused(await _talk.Recorder.Get("-", "/mdm/v2/assets"), 401, 9601);
        Refused(await _talk.Recorder.Get("-", "/mdm/v2/assets", ("Authorization", _talk.Location.Token)), 401, 9722);
        // A cookie is for the App Store.
        Refused(await _talk.Recorder.Get("-", "/mdm/v2/assets", ("Cookie", "itvt=" + _talk.Location.Token)), 401, 9601);
        var old = _talk.Location.Token;
        _talk.Location.DownloadToken(TimeSpan.FromDays(1));
        Refused(await _talk.Recorder.Get("-", "/mdm/v2/assets", ("Authorization", "Bearer " + old)), 401, 9625);
        _talk.Time.Advance(TimeSpan.FromDays(2));
        Refused(await _talk.Get("assets"), 401, 9621);
    }

    [Fact]
    public async Task The_method_and_the_content_type_are_looked_at()
    {
        Refused(await _talk.Get("assets/associate"), 405, 9726);
        Refused(await _talk.Recorder.Say("-", HttpMethod.Post, "/mdm/v2/client/config", "mdmInfo=1", ("Authorization", "Bearer " + _talk.Location.Token)), 415, 9727);
    }

    [Fact]
    public async Task A_location_carries_who_has_claimed_it_in_each_answer_once_somebody_has()
    {
        Assert.False((await _talk.Get("assets")).Json.ContainsKey("mdmInfo"));
        await _talk.Post("client/config", Body($"{{{Claim}}}"));
        foreach (var path in new[] { "client/config", "assets", "assignments" }) Assert.Equal("1", (string?)(await _talk.Get(path)).Json["mdmInfo"]!["id"]);
        var asked = (await _talk.Post("assets/associate", Pair("10", "A"))).Json;
        Assert.Equal("1", (string?)asked["mdmInfo"]!["id"]);
        Assert.Equal("1", (string?)(await _talk.Get($"status?eventId={asked["eventId"]}")).Json["mdmInfo"]!["id"]);
    }

    [Theory]
    [InlineData("""{"mdmInfo": {"id": "1"}}""", 9723)]
    [InlineData("""{"mdmInfo": {"id": "LONG", "name": "x", "metadata": "x"}}""", 9724)]
    [InlineData("""{"mdmInfo": {"id": "1", "name": "LONG", "metadata": "x"}}""", 9725)]
    [InlineData("""{"mdmInfo": {"id": "1", "name": "x", "metadata": "LONG"}}""", 9713)]
    [InlineData("""{"notificationUrl": "https://mdm.example"}""", 9710)]
    [InlineData("""{"notificationUrl": "https://mdm.example/LONGLONG", "notificationAuthToken": "x"}""", 9711)]
    [InlineData("""{"notificationUrl": "http://mdm.example", "notificationAuthToken": "x"}""", 9712)]
    public async Task What_a_server_says_of_itself_has_limits_and_each_has_its_number(string config, int number) =>
        Refused(await _talk.Post("client/config", Body(config.Replace("LONG", new string('x', 256), StringComparison.Ordinal))), 400, number);

    [Fact]
    public async Task Who_subscribes_is_told_of_those_kinds_alone_with_the_secret_and_can_read_both_back()
    {
        var config = (await _talk.Post("client/config", Body($$"""{{{Notify}}, "notificationTypes": ["ASSET_COUNT"]}"""))).Json;
        Assert.Equal(("https://mdm.example/notify", "a-secret", "ASSET_COUNT"),
            ((string?)config["notificationUrl"], (string?)config["notificationAuthToken"], (string?)Assert.Single(config["subscribedNotificationTypes"]!.AsArray())));
        var (authorization, test) = Assert.Single(_talk.Notifications);
        Assert.Equal(("Bearer a-secret", "TEST_NOTIFICATION", _talk.Location.UId), (authorization, (string?)test["notificationType"], (string?)test["uId"]));
        Assert.Empty(test["notification"]!.AsObject());

        await _talk.Post("assets/associate", Pair("10", "A"));
        Assert.Single(_talk.Notifications);
        await _talk.Post("client/config", Body("""{"notificationTypes": ["ASSET_MANAGEMENT"]}"""));
        await _talk.Post("assets/disassociate", Pair("10", "A"));
        Assert.Equal(("ASSET_MANAGEMENT", "DISASSOCIATE", "SUCCESS"),
            ((string?)_talk.Notifications[^1].Body["notificationType"], (string?)_talk.Notifications[^1].Body["notification"]!["type"], (string?)_talk.Notifications[^1].Body["notification"]!["result"]));
        await _talk.Apple.Notify(_talk.Location, "ASSET_COUNT", []);
        Assert.Equal(2, _talk.Notifications.Count);
    }

    [Fact]
    public async Task An_address_that_does_not_answer_has_the_whole_configuration_refused()
    {
        await _talk.Post("client/config", Body("""{"mdmInfo": {"id": "before", "name": "x", "metadata": "x"}}"""));
        _talk.IsReached = false;
        Refused(await _talk.Post("client/config", Body($$"""{{{Claim}}, {{Notify}}}""")), 400, 9728);
        Assert.Equal(3, _talk.Notifications.Count);
        var config = (await _talk.Get("client/config")).Json;
        Assert.Equal(("before", false), ((string?)config["mdmInfo"]!["id"], config.ContainsKey("notificationUrl")));
    }

    [Fact]
    public async Task Pages_begin_with_0_name_the_next_one_while_there_is_one_and_end()
    {
        var first = (await _talk.Get("assets")).Json;
        Assert.Equal((0, 1, 2, 2), ((int)first["currentPageIndex"]!, (int)first["nextPageIndex"]!, (int)first["size"]!, (int)first["totalPages"]!));
        Assert.True(Guid.TryParse((string?)first["versionId"], out _));
        Assert.Matches("^[0-9]{16}$", (string)first["uId"]!);
        Assert.Matches("^2027-09-01T07:00:00[+]0000$", (string)first["tokenExpirationDate"]!);
        var second = (await _talk.Get("assets?pageIndex=1")).Json;
        Assert.Equal((false, 1), (second.ContainsKey("nextPageIndex"), (int)second["size"]!));
        Refused(await _talk.Get("assets?pageIndex=2"), 400, 9650);
        Refused(await _talk.Get("assets?pageIndex=-1"), 400, 9650);
    }

    [Theory]
    [InlineData("adamId=20", "20")]
    [InlineData("pricingParam=PLUS", "20")]
    [InlineData("productType=Book", "30")]
    [InlineData("deviceAssignable=false", "30")]
    [InlineData("revocable=true&minAvailableCount=3", "20")]
    [InlineData("maxAvailableCount=1", "30")]
    public async Task Assets_are_filtered(string query, string adamId) => Assert.Equal(adamId, (string?)Assert.Single((await _talk.Get("assets?" + query)).Json["assets"]!.AsArray())!["adamId"]);

    [Fact]
    public async Task A_version_changes_with_what_it_is_the_version_of_and_names_what_came_since()
    {
        var assets = (string)(await _talk.Get("assets")).Json["versionId"]!;
        var licences = (string)(await _talk.Get("assignments")).Json["versionId"]!;
        Assert.Equal(licences, (string?)(await _talk.Get("assignments")).Json["versionId"]);
        _talk.Location.Buy(new SimulatedAsset("10", "STDQ"), 1);
        Assert.NotEqual(assets, (string?)(await _talk.Get("assets")).Json["versionId"]);
        Assert.Equal(licences, (string?)(await _talk.Get("assignments")).Json["versionId"]);
        Assert.Empty((await _talk.Get("assignments?sinceVersionId=" + licences)).Json["assignments"]!.AsArray());

        _talk.Location.Give("10", "A");
        var since = (await _talk.Get("assignments?sinceVersionId=" + licences)).Json;
        Assert.Equal(("10", "STDQ", "A"), ((string?)since["assignments"]![0]!["adamId"], (string?)since["assignments"]![0]!["pricingParam"], (string?)since["assignments"]![0]!["serialNumber"]));
        Assert.NotEqual(licences, (string?)since["versionId"]);
        Refused(await _talk.Get("assignments?sinceVersionId=1"), 400, 9721);
        Refused(await _talk.Get("assignments?sinceVersionId=" + assets), 400, 9721);
    }

    [Theory]
    [InlineData("""{"serialNumbers": ["A"]}""", 9718)]
    [InlineData("""{"assets": [{"adamId": "10"}]}""", 9719)]
    [InlineData("""{"assets": [{"adamId": "10"}], "clientUserIds": ["nobody"]}""", 9609)]
    [InlineData("""{"assets": [{"adamId": "10"}, {"adamId": "20"}, {"adamId": "30"}], "serialNumbers": ["A"]}""", 9700)]
    [InlineData("""{"assets": [{"adamId": "10"}], "serialNumbers": ["A", "B", "C", "D"]}""", 9702)]
    [InlineData("""{"assets": [{"adamId": "10"}, {"adamId": "10"}], "serialNumbers": ["A"]}""", 9703)]
    [InlineData("""{"assets": [{"adamId": "10"}], "serialNumbers": ["A", "A"]}""", 9705)]
    [InlineData("""{"assets": [{"adamId": "30"}], "serialNumbers": ["A"]}""", 9707)]
    [InlineData("""{"assets": [{"adamId": "10"}], "serialNumbers": [5]}""", 9602)]
    public async Task A_request_that_is_wrong_is_refused_at_once_and_nothing_is_done(string body, int number)
    {
        Refused(await _talk.Post("assets/associate", Body(body)), 400, number);
        Assert.Empty((await _talk.Get("assignments")).Json["assignments"]!.AsArray());
    }

    [Fact]
    public async Task An_event_says_what_became_of_it_and_not_its_own_name()
    {
        var done = await _talk.Changed("assets/associate", Pair("10", "A", "B"));
        Assert.Equal(("COMPLETE", "ASSOCIATE", 2, 2, false, false),
            ((string?)done["eventStatus"], (string?)done["eventType"], (int)done["numRequested"]!, (int)done["numCompleted"]!, done.ContainsKey("eventId"), done.ContainsKey("failures")));
        var failed = await _talk.Changed("assets/associate", Pair("10", "C"));
        Assert.Equal(("FAILED", 0), ((string?)failed["eventStatus"], (int)failed["numCompleted"]!));
        var failure = Assert.Single(failed["failures"]!.AsArray())!;
        Assert.Equal((9709, "C", "10"), ((int)failure["errorNumber"]!, (string?)failure["errorInfo"]!["serialNumbers"]![0], (string?)failure["errorInfo"]!["assets"]![0]!["adamId"]));
        Refused(await _talk.Get("status?eventId=other"), 400, 9708);
        _talk.Apple.Faults.HoldEvents = true;
        Assert.Equal("PENDING", (string?)(await _talk.Changed("assets/disassociate", Pair("10", "A")))["eventStatus"]);
    }

    [Fact]
    public async Task The_App_Store_tells_everybody_of_public_apps_and_owners_of_theirs_and_of_others_nothing()
    {
        const string lookup = "/WebObjects/MZStorePlatform.woa/wa/lookup?version=2&p=mdm-lockup&caller=MDM&platform=volumestore&cc=se&l=en&id=10,20,99";
        var anybody = (await _talk.Recorder.Get("-", lookup)).Json;
        Assert.Equal(("com.apple.Pages", false), ((string?)Assert.Single(anybody["results"]!.AsObject()).Value!["bundleId"], (bool)anybody["isAuthenticated"]!));
        var owner = (await _talk.Recorder.Get("-", lookup, ("Cookie", "itvt=" + _talk.Location.Token))).Json["results"]!.AsObject();
        Assert.Equal(["10", "20"], owner.Select(one => one.Key).Order(StringComparer.Ordinal));
        Assert.Equal(("20", 1), ((string?)owner["20"]!["id"], (int)owner["20"]!["offers"]![0]!["version"]!["externalId"]!));
    }

    [Fact]
    public async Task More_requests_a_second_than_it_takes_are_429()
    {
        Answer? last = null;
        for (var i = 0; i < 16; i++) last = await _talk.Recorder.Get("-", "/mdm/v2/client/config", ("Authorization", "Bearer " + _talk.Location.Token));
        Refused(last!, 429, 9646);
    }

    [Fact]
    public async Task A_server_error_says_how_long_to_wait()
    {
        _talk.Apple.Faults.Next("assets", AppsAndBooksFault.Busy);
        var answer = await _talk.Get("assets");
        Refused(answer, 503, 9729);
        Assert.Equal("90", Assert.Single(answer.Headers.GetValues("Retry-After")));
    }
}
