using System.Security.Cryptography.Pkcs;
using System.Text;
using System.Text.Json.Nodes;
using FleetMdm.VirtualFleet.Apple;

namespace FleetMdm.VirtualFleet.Tests.Apple;

/// <summary>What Apple documents of the device enrolment service, asked of the simulated one. docs/apple-simulators.md names the source of each.</summary>
public sealed class DeviceEnrolmentFacts : IAsyncLifetime
{
    private EnrolmentTalk _talk = null!;

    public async ValueTask InitializeAsync()
    {
        _talk = await EnrolmentTalk.Begin(new DeviceEnrolmentOptions { RotateSessionEvery = 0 });
        await _talk.SignIn();
    }

    public ValueTask DisposeAsync() => _talk.DisposeAsync();

    private static JsonObject Body(string json) => (JsonObject)JsonNode.Parse(json)!;

    private async Task Refuses(int status, string word, HttpMethod method, string path, string? body = null)
    {
        var answer = await _talk.Say("-", method, path, body is null ? null : Body(body));
        Assert.Equal((status, word, "text/plain"), (answer.Status, answer.Text, answer.MediaType));
    }

    [Fact]
    public async Task A_header_that_is_no_OAuth_is_400_and_a_token_that_is_not_known_or_ended_is_401()
    {
        var without = await _talk.Recorder.Get("-", "/session", ("User-Agent", "x"));
        Assert.Equal((400, "oauth_problem_advice"), (without.Status, without.Text));
        Assert.Equal((401, "token_rejected"), ((await _talk.SignIn(consumerKey: "CK_other")).Status, (await _talk.SignIn(consumerKey: "CK_other")).Text));
        _talk.Time.Advance(TimeSpan.FromDays(366));
        Assert.Equal((401, "token_expired"), ((await _talk.SignIn()).Status, (await _talk.SignIn()).Text));
    }

    [Fact]
    public async Task Without_a_session_or_with_one_that_is_not_known_it_is_401()
    {
        Assert.Equal(401, (await _talk.Recorder.Get("-", "/account", ("User-Agent", "x"))).Status);
        _talk.Session = "other";
        await Refuses(401, "UNAUTHORIZED", HttpMethod.Get, "/account");
    }

    [Theory]
    [InlineData(" ")]
    [InlineData(null)]
    public async Task A_User_Agent_that_is_missing_or_has_no_value_is_refused(string? agent)
    {
        (string, string)[] session = [("X-ADM-Auth-Session", _talk.Session)];
        var answer = await _talk.Recorder.Get("-", "/account", agent is null ? session : [.. session, ("User-Agent", agent)]);
        Assert.Equal((400, "USER_AGENT_MISSING"), (answer.Status, answer.Text));
    }

    [Fact]
    public async Task The_account_lists_the_places_of_the_service_from_version_3_on_and_limits_of_those_with_pages()
    {
        var account = (await _talk.Say("-", HttpMethod.Get, "/account")).Json;
        Assert.Equal(("edu", "v2", 64), ((string?)account["org_type"], (string?)account["org_version"], ((string)account["org_id_hash"]!).Length));
        var urls = account["urls"]!.AsArray().ToDictionary(url => (string)url!["uri"]!, url => url!);
        Assert.Equal(["/account", "/devices", "/devices/sync", "/profile", "/profile/devices", "/server/devices", "/session"], urls.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(["/devices/sync", "/server/devices"], urls.Where(url => url.Value["limit"] is not null).Select(url => url.Key).Order(StringComparer.Ordinal));
        Assert.Equal((100, 1000), ((int)urls["/server/devices"]["limit"]!["default"]!, (int)urls["/server/devices"]["limit"]!["maximum"]!));

        _talk.Version = 2;
        var older = (await _talk.Say("-", HttpMethod.Get, "/account")).Json;
        Assert.All(["org_id", "org_id_hash", "org_type", "org_version", "urls"], key => Assert.Null(older[key]));
    }

    [Theory]
    [InlineData(1, null, false)]
    [InlineData(6, "iOS", false)]
    [InlineData(7, "iPadOS", false)]
    [InlineData(8, "iPadOS", true)]
    public async Task A_record_has_what_its_version_has(int version, string? os, bool deadline)
    {
        _talk.Apple.Portal.Assign(_talk.Server, "DMPAA0000001");
        _talk.Apple.Portal.Modify("DMPAA0000001", purchase => purchase.MigrationDeadline = _talk.Time.GetUtcNow().AddDays(3));
        _talk.Version = version;
        var page = (await _talk.Post("/server/devices", [])).Json;
        var device = Assert.Single(page["devices"]!.AsArray())!;
        Assert.Equal((os, os is null ? null : "iPad", deadline), ((string?)device["os"], (string?)device["device_family"], device["mdm_migration_deadline"] is not null));
        // Only what is new has an operation; what is not there has no key.
        Assert.All(["op_type", "op_date", "profile_uuid", "profile_assign_time", "profile_push_time", "asset_tag"], key => Assert.False(device.AsObject().ContainsKey(key)));
        Assert.Equal(("empty", "2026-09-01T07:00:00Z", "2026-09-01T07:00:00Z", false),
            ((string?)device["profile_status"], (string?)device["device_assigned_date"], (string?)page["fetched_until"], (bool)page["more_to_follow"]!));
    }

    [Fact]
    public async Task A_cursor_is_exhausted_unknown_or_too_old()
    {
        _talk.Apple.Portal.Assign(_talk.Server, "DMPAA0000001", "DMPAA0000002");
        var part = (string)(await _talk.Post("/server/devices", Body("""{"limit": 1}"""))).Json["cursor"]!;
        var last = (string)(await _talk.Post("/server/devices", [])).Json["cursor"]!;
        await Refuses(400, "EXHAUSTED_CURSOR", HttpMethod.Post, "/server/devices", $$"""{"cursor": "{{last}}"}""");
        await Refuses(400, "INVALID_CURSOR", HttpMethod.Post, "/server/devices", """{"cursor": "other"}""");
        await Refuses(400, "INVALID_CURSOR", HttpMethod.Post, "/devices/sync", """{"cursor": "other"}""");
        await Refuses(400, "CURSOR_REQUIRED", HttpMethod.Post, "/devices/sync", "{}");
        Assert.Equal(200, (await _talk.Post("/devices/sync", new JsonObject { ["cursor"] = last })).Status);

        _talk.Time.Advance(TimeSpan.FromDays(7) + TimeSpan.FromSeconds(1));
        await _talk.SignIn();
        await Refuses(400, "EXPIRED_CURSOR", HttpMethod.Post, "/devices/sync", $$"""{"cursor": "{{last}}"}""");
        // The list has no word of its own for it.
        await Refuses(400, "INVALID_CURSOR", HttpMethod.Post, "/server/devices", $$"""{"cursor": "{{part}}"}""");
    }

    [Fact]
    public async Task What_is_added_has_the_time_of_its_assignment_and_what_left_is_told_to_the_server_that_it_left()
    {
        var cursor = (string)(await _talk.Post("/server/devices", [])).Json["cursor"]!;
        _talk.Apple.Portal.Assign(_talk.Server, "DMPAA0000001");
        _talk.Time.Advance(TimeSpan.FromMinutes(1));
        _talk.Apple.Portal.Unassign("DMPAA0000001");
        var told = (await _talk.Post("/devices/sync", new JsonObject { ["cursor"] = cursor })).Json["devices"]!.AsArray();
        Assert.Equal([("added", "2026-09-01T07:00:00Z"), ("deleted", "2026-09-01T07:01:00Z")], told.Select(one => ((string)one!["op_type"]!, (string)one["op_date"]!)));
        Assert.Equal((string?)told[0]!["op_date"], (string?)told[0]!["device_assigned_date"]);
    }

    [Theory]
    [InlineData("""{"url": "https://mdm.example"}""", "CONFIG_NAME_REQUIRED")]
    [InlineData("""{"url": "https://mdm.example", "profile_name": ""}""", "CONFIG_NAME_INVALID")]
    [InlineData("""{"profile_name": "x"}""", "CONFIG_URL_REQUIRED")]
    [InlineData("""{"profile_name": "x", "url": ""}""", "CONFIG_URL_INVALID")]
    [InlineData("""{"profile_name": "x", "url": "https://mdm.example", "department": ""}""", "DEPARTMENT_INVALID")]
    [InlineData("""{"profile_name": "x", "url": "https://mdm.example", "org_magic": ""}""", "MAGIC_INVALID")]
    [InlineData("""{"profile_name": "x", "url": "https://mdm.example", "support_phone_number": "012345678901234567890123456789012345678901234567890"}""", "SUPPORT_PHONE_INVALID")]
    [InlineData("""{"profile_name": "x", "url": "https://mdm.example", "support_email_address": ""}""", "SUPPORT_EMAIL_INVALID")]
    [InlineData("""{"profile_name": "x", "url": "https://mdm.example", "is_mdm_removable": false}""", "FLAGS_INVALID")]
    [InlineData("""{"profile_name": "x", "url": "https://mdm.example", "is_mdm_removable": false, "is_supervised": false}""", "FLAGS_INVALID")]
    [InlineData("""{"profile_name": "x", "url": "https://mdm.example", "anchor_certs": ["AAAA"]}""", "MALFORMED_REQUEST_BODY")]
    public Task A_profile_that_is_wrong_is_refused_with_Apples_word(string profile, string word) => Refuses(400, word, HttpMethod.Post, "/profile", profile);

    [Fact]
    public async Task A_profile_that_is_not_there_is_400_when_it_is_read_and_404_when_it_is_assigned()
    {
        await Refuses(400, "NOT_FOUND", HttpMethod.Get, "/profile?profile_uuid=00");
        await Refuses(400, "PROFILE_UUID_REQUIRED", HttpMethod.Get, "/profile");
        await Refuses(404, "PROFILE_NOT_FOUND", HttpMethod.Post, "/profile/devices", """{"profile_uuid": "00", "devices": ["DMPAA0000001"]}""");
        await Refuses(400, "PROFILE_UUID_REQUIRED", HttpMethod.Post, "/profile/devices", """{"devices": ["DMPAA0000001"]}""");
        await Refuses(400, "DEVICE_ID_REQUIRED", HttpMethod.Post, "/profile/devices", """{"profile_uuid": "00", "devices": []}""");
        await Refuses(400, "DEVICE_ID_REQUIRED", HttpMethod.Delete, "/profile/devices", "{}");
        await Refuses(400, "DEVICE_ID_REQUIRED", HttpMethod.Post, "/devices", "{}");
    }

    [Theory]
    [InlineData(8, "FAILED", false)]
    [InlineData(9, "THROTTLED", false)]
    [InlineData(10, "THROTTLED", true)]
    public async Task An_iPad_that_is_throttled_is_called_so_from_version_9_on_and_with_a_time_from_10_on(int version, string word, bool time)
    {
        _talk.Version = version;
        _talk.Apple.Portal.Assign(_talk.Server, "DMPAA0000001", "DMPAA0000002");
        _talk.Apple.Faults.AssignmentOf["DMPAA0000001"] = "THROTTLED";
        // The answer to a new profile knows no such word.
        var defined = (await _talk.Post("/profile", Body("""{"profile_name": "x", "url": "https://mdm.example", "devices": ["DMPAA0000001"]}"""))).Json;
        Assert.Equal("FAILED", (string?)defined["devices"]!["DMPAA0000001"]);

        var assigned = (await _talk.Post("/profile/devices", new JsonObject { ["profile_uuid"] = (string)defined["profile_uuid"]!, ["devices"] = new JsonArray("DMPAA0000001", "DMPAA0000002", "DMPAA9999999") })).Json;

        Assert.Equal((word, "SUCCESS", "NOT_ACCESSIBLE"), ((string?)assigned["devices"]!["DMPAA0000001"], (string?)assigned["devices"]!["DMPAA0000002"], (string?)assigned["devices"]!["DMPAA9999999"]));
        Assert.Equal(time ? 86_400 : null, (int?)assigned["retry_after_seconds"]);
    }

    [Fact]
    public async Task An_iPad_whose_profile_was_removed_sets_itself_up_as_anybodys()
    {
        _talk.Apple.Portal.Assign(_talk.Server, "DMPAA0000001");
        await _talk.Post("/profile", Body("""{"profile_name": "x", "url": "https://mdm.example", "devices": ["DMPAA0000001"]}"""));
        Assert.NotNull(_talk.Apple.Portal.Activate("DMPAA0000001"));
        var removed = await _talk.Say("-", HttpMethod.Delete, "/profile/devices", Body("""{"devices": ["DMPAA0000001", "DMPAA9999999"]}"""));
        Assert.Equal(("SUCCESS", "NOT_ACCESSIBLE"), ((string?)removed.Json["devices"]!["DMPAA0000001"], (string?)removed.Json["devices"]!["DMPAA9999999"]));
        Assert.Null(_talk.Apple.Portal.Activate("DMPAA0000001"));
        var device = (await _talk.Post("/devices", Body("""{"devices": ["DMPAA0000001"]}"""))).Json["devices"]!["DMPAA0000001"]!;
        Assert.Equal(("removed", "SUCCESS"), ((string?)device["profile_status"], (string?)device["response_status"]));
    }

    [Fact]
    public void The_token_is_an_SMIME_message_for_the_key_that_was_uploaded()
    {
        var (head, base64) = Encoding.ASCII.GetString(_talk.File).Split("\r\n\r\n") is [var first, var second] ? (first, second) : throw new InvalidOperationException();
        Assert.StartsWith("Content-Type: application/pkcs7-mime; name=\"smime.p7m\"; smime-type=enveloped-data", head, StringComparison.Ordinal);
        var cms = new EnvelopedCms();
        cms.Decode(Convert.FromBase64String(base64));
        Assert.Equal("2.16.840.1.101.3.4.1.2", cms.ContentEncryptionAlgorithm.Oid.Value);
        cms.Decrypt(cms.RecipientInfos[0], _talk.Key);
        var parts = Encoding.UTF8.GetString(cms.ContentInfo.Content).Split("\r\n\r\n");
        Assert.Equal("Content-Type: text/plain;charset=UTF-8\r\nContent-Transfer-Encoding: 7bit", parts[0]);
        var json = Body(parts[1].Replace("-----BEGIN MESSAGE-----", "", StringComparison.Ordinal).Replace("-----END MESSAGE-----", "", StringComparison.Ordinal).ReplaceLineEndings(""));
        Assert.Equal(["access_secret", "access_token", "access_token_expiry", "consumer_key", "consumer_secret"], json.Select(one => one.Key).Order(StringComparer.Ordinal));
        Assert.Equal("2027-09-01T07:00:00Z", (string?)json["access_token_expiry"]);
    }
}
