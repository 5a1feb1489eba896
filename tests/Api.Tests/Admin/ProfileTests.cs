using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Security.Cryptography.Pkcs;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using FleetMdm.Protocol.Plist;
using FleetMdm.Protocol.Profiles;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>The library of profiles: what is kept, shown, changed, refused.</summary>
public sealed class ProfileTests(AdminServer server)
{
    internal const string MobileConfig = "application/x-apple-aspen-config";

    internal static string NewIdentifier() => $"org.example.p{Guid.NewGuid():N}";

    internal static string WiFi(string identifier, string ssid = "Northside", string password = "correct horse", string name = "Wi-Fi") => $$"""
        {
          "PayloadIdentifier": "{{identifier}}", "PayloadDisplayName": "{{name}}",
          "PayloadContent": [{"PayloadType": "com.apple.wifi.managed", "SSID_STR": "{{ssid}}", "EncryptionType": "WPA2", "Password": "{{password}}"}]
        }
        """;

    internal static string Restrictions(string identifier, string more = "") => $$"""
        {"PayloadIdentifier": "{{identifier}}", "PayloadDisplayName": "Restrictions", "PayloadContent": [{"PayloadType": "com.apple.applicationaccess", "allowCamera": false{{more}}}]}
        """;

    internal static string Body(string profile, string? note = null) => $$"""{"profile": {{profile}}{{(note is null ? "" : $", \"note\": \"{note}\"")}}}""";

    internal async Task<JsonObject> Create(string profile, int status = 201)
    {
        using var response = await server.Admin.PostAsync("/api/v1/profiles", AdminServer.Json(Body(profile)));
        return await AdminServer.Body(response, status);
    }

    private async Task<(JsonObject Body, string? Tag)> Get(string id)
    {
        using var response = await server.Admin.GetAsync($"/api/v1/profiles/{id}");
        return (await AdminServer.Body(response, 200), response.Headers.ETag?.Tag);
    }

    private async Task<HttpResponseMessage> Put(string id, string profile, string? tag = "*", HttpClient? client = null, string? note = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, $"/api/v1/profiles/{id}") { Content = AdminServer.Json(Body(profile, note)) };
        if (tag is not null) request.Headers.TryAddWithoutValidation("If-Match", tag);
        return await (client ?? server.Admin).SendAsync(request);
    }

    private async Task<byte[]> Download(string id, string query = "")
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/api/v1/profiles/{id}/mobileconfig{query}") { Headers = { { "Audit-Reason", "a test" } } };
        using var response = await server.Admin.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(MobileConfig, response.Content.Headers.ContentType?.MediaType);
        return await response.Content.ReadAsByteArrayAsync();
    }

    private static ByteArrayContent File(byte[] bytes) => new(bytes) { Headers = { ContentType = new MediaTypeHeaderValue(MobileConfig) } };

    internal static PlistDictionary Unsigned(byte[] signed)
    {
        var cms = new SignedCms();
        cms.Decode(signed);
        cms.CheckSignature(verifySignatureOnly: true);
        return PlistReader.ReadDictionary(cms.ContentInfo.Content, PlistLimits.Admin);
    }

    [Fact]
    public async Task A_profile_from_json_is_completed_kept_and_shown_without_its_secret()
    {
        var identifier = NewIdentifier();
        var made = await Create(WiFi(identifier));
        Assert.Equal((identifier, "Wi-Fi", 1, false), ((string)made["identifier"]!, (string)made["name"]!, (int)made["version"]!, (bool)made["unchanged"]!));

        var (profile, tag) = await Get((string)made["id"]!);
        Assert.Equal("\"1\"", tag);
        Assert.True((bool)profile["hasSecrets"]!);
        var payload = profile["profile"]!["PayloadContent"]![0]!;
        Assert.Equal("(hidden)", (string)payload["Password"]!);
        Assert.Equal("Northside", (string)payload["SSID_STR"]!);
        Assert.Equal($"{identifier}.managed.1", (string)payload["PayloadIdentifier"]!);
        Assert.True(Guid.TryParse((string)payload["PayloadUUID"]!, out _));
        Assert.DoesNotContain("correct horse", profile.ToJsonString());
    }

    [Fact]
    public async Task The_hidden_mark_sent_back_keeps_the_secret_and_each_change_is_a_version()
    {
        var identifier = NewIdentifier();
        var id = (string)(await Create(WiFi(identifier)))["id"]!;
        var (shown, tag) = await Get(id);
        var changed = shown["profile"]!.DeepClone();
        changed["PayloadContent"]![0]!["SSID_STR"] = "Southside";

        using var put = await Put(id, changed.ToJsonString(), tag, note: "moved");
        var saved = await AdminServer.Body(put, 200);
        Assert.Equal(2, (int)saved["version"]!);
        Assert.Equal("\"2\"", put.Headers.ETag?.Tag);
        var inside = Unsigned(await Download(id));
        var payload = (PlistDictionary)inside.GetArray("PayloadContent")![0];
        Assert.Equal(("Southside", "correct horse"), (payload.GetString("SSID_STR"), payload.GetString("Password")));

        using var listed = await server.Admin.GetAsync($"/api/v1/profiles/{id}/versions");
        var versions = (await AdminServer.Body(listed, 200))["items"]!.AsArray();
        Assert.Equal([2, 1], versions.Select(version => (int)version!["version"]!));
        Assert.Equal(["moved", null], versions.Select(version => (string?)version!["note"]));
        Assert.Equal(2, versions.Select(version => (string?)version!["uuid"]).Distinct().Count());
        Assert.Equal(inside.GetString("PayloadUUID"), (string?)versions[0]!["uuid"]);

        // The iPad replaces the payload, too: it stays the same one.
        Assert.Equal((string?)shown["profile"]!["PayloadContent"]![0]!["PayloadUUID"], payload.GetString("PayloadUUID"));
    }

    [Fact]
    public async Task The_later_of_two_changes_is_refused_with_a_sentence()
    {
        var identifier = NewIdentifier();
        var id = (string)(await Create(Restrictions(identifier)))["id"]!;
        using var first = await Put(id, Restrictions(identifier, ", \"allowScreenShot\": false"), "\"1\"");
        await AdminServer.Body(first, 200);

        using var second = await Put(id, Restrictions(identifier, ", \"allowAssistant\": false"), "\"1\"");
        var problem = await AdminServer.Problem(second, 412);
        Assert.Equal("profile-changed", (string)problem["code"]!);
        Assert.Contains("version 2", (string)problem["detail"]!);
        using var none = await Put(id, Restrictions(identifier), tag: null);
        Assert.Equal("no-precondition", (string)(await AdminServer.Problem(none, 428))["code"]!);
        using var wrong = await Put(id, Restrictions(identifier), "\"x\"");
        await AdminServer.Blames(wrong, "If-Match");
        Assert.Equal(2, (int)(await Get(id)).Body["version"]!);
    }

    [Fact]
    public async Task Ten_changes_at_once_leave_one_new_version()
    {
        var identifier = NewIdentifier();
        var id = (string)(await Create(Restrictions(identifier)))["id"]!;
        var answers = await Task.WhenAll(Enumerable.Range(0, 10).Select(async i =>
        {
            using var put = await Put(id, Restrictions(identifier, $", \"ratingApps\": {100 * (i + 1)}"), "\"1\"");
            return put.StatusCode;
        }));
        Assert.Equal(1, answers.Count(status => status == HttpStatusCode.OK));
        Assert.All(answers.Where(status => status != HttpStatusCode.OK), status => Assert.Equal(HttpStatusCode.PreconditionFailed, status));
        Assert.Equal(2, (int)(await Get(id)).Body["version"]!);
    }

    [Fact]
    public async Task Twelve_changes_of_whatever_stands_at_once_are_all_saved()
    {
        var identifier = NewIdentifier();
        var id = (string)(await Create(Restrictions(identifier)))["id"]!;
        var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(async i =>
        {
            using var put = await Put(id, Restrictions(identifier, $", \"ratingApps\": {10 * (i + 1)}"), "*");
            return (int)(await AdminServer.Body(put, 200))["version"]!;
        }));
        Assert.Equal(Enumerable.Range(2, 12), answers.Order());

        var restored = await Task.WhenAll(Enumerable.Range(0, 6).Select(async i =>
        {
            using var back = await server.Admin.PostAsync($"/api/v1/profiles/{id}/versions/{i + 2}/restore", null);
            return back.StatusCode;
        }));
        Assert.All(restored, status => Assert.Equal(HttpStatusCode.OK, status));
    }

    [Fact]
    public async Task A_deletion_that_is_based_on_an_old_version_deletes_nothing()
    {
        var identifier = NewIdentifier();
        var id = (string)(await Create(Restrictions(identifier)))["id"]!;
        using var put = await Put(id, Restrictions(identifier, ", \"allowScreenShot\": false"));
        await AdminServer.Body(put, 200);

        using var late = await Delete(id, "\"1\"");
        Assert.Equal("profile-changed", (string)(await AdminServer.Problem(late, 412))["code"]!);
        using var wrong = await Delete(id, "nonsense");
        await AdminServer.Blames(wrong, "If-Match");
        using var versions = await server.Admin.GetAsync($"/api/v1/profiles/{id}/versions");
        Assert.Equal(2, (await AdminServer.Body(versions, 200))["items"]!.AsArray().Count);
        using var right = await Delete(id, "\"2\"");
        await AdminServer.Body(right, 200);
    }

    private async Task<HttpResponseMessage> Delete(string id, string tag)
    {
        using var request = new HttpRequestMessage(HttpMethod.Delete, $"/api/v1/profiles/{id}");
        request.Headers.TryAddWithoutValidation("If-Match", tag);
        return await server.Admin.SendAsync(request);
    }

    [Fact]
    public async Task The_note_of_going_back_may_stand_in_the_body_and_what_is_no_note_is_refused()
    {
        var identifier = NewIdentifier();
        var id = (string)(await Create(Restrictions(identifier)))["id"]!;
        using var put = await Put(id, Restrictions(identifier, ", \"allowScreenShot\": false"));
        await AdminServer.Body(put, 200);
        var path = $"/api/v1/profiles/{id}/versions/1/restore";
        using var twice = await server.Admin.PostAsync(path + "?note=a", AdminServer.Json("""{"note": "b"}"""));
        await AdminServer.Blames(twice, "note");
        using var unknown = await server.Admin.PostAsync(path, AdminServer.Json("""{"reason": "b"}"""));
        await AdminServer.Problem(unknown, 400);
        using var text = await server.Admin.PostAsync(path, new StringContent("why"));
        await AdminServer.Problem(text, 415);

        using var back = await server.Admin.PostAsync(path, AdminServer.Json("""{"note": "it was right"}"""));
        await AdminServer.Body(back, 200);
        using var version = await server.Admin.GetAsync($"/api/v1/profiles/{id}/versions/3");
        Assert.Equal("it was right", (string)(await AdminServer.Body(version, 200))["note"]!);
    }

    [Fact]
    public async Task What_is_told_and_what_is_refused_has_its_code_and_how_bad_it_is()
    {
        var odd = await Create($$"""
            {"PayloadIdentifier": "{{NewIdentifier()}}", "PayloadRemovalDisallowed": true,
             "PayloadContent": [{"PayloadType": "com.apple.applicationaccess", "allowCamera": false, "allowTimeTravel": true}]}
            """);
        var found = odd["warnings"]!.AsArray().Select(warning => ((string)warning!["severity"]!, (string)warning["code"]!, (string)warning["field"]!)).ToList();
        Assert.Contains(("warning", "unknownKey", "PayloadContent[0].allowTimeTravel"), found);
        Assert.Contains(("told", "supervisedOnly", "PayloadRemovalDisallowed"), found);
        Assert.DoesNotContain(found, one => one.Item2 is "uuidMade" or "versionMade");
        Assert.Equal(found.OrderBy(one => one.Item1 == "told").Select(one => one.Item1), found.Select(one => one.Item1));

        var bare = new PlistDictionary
        {
            ["PayloadType"] = "Configuration",
            ["PayloadIdentifier"] = NewIdentifier(),
            ["PayloadContent"] = new PlistArray([new PlistDictionary { ["PayloadType"] = "com.apple.applicationaccess", ["allowCamera"] = false }]),
        };
        using var file = await server.Admin.PostAsync("/api/v1/profiles", File(PlistWriter.ToBytes(bare)));
        var told = (await AdminServer.Body(file, 201))["warnings"]!.AsArray().Select(warning => $"{warning!["severity"]} {warning["code"]} {warning["field"]}").ToList();
        Assert.Contains("told uuidMade PayloadUUID", told);
        Assert.Contains("told versionMade PayloadContent[0].PayloadVersion", told);

        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=Nobody", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UnixEpoch.AddYears(50), DateTimeOffset.UnixEpoch.AddYears(100));
        var plain = new ConfigurationProfile { Identifier = NewIdentifier(), DisplayName = "Signed", Payloads = [] };
        using var signed = await server.Admin.PostAsync("/api/v1/profiles", File(ProfileSigner.Sign(plain.ToBytes(), certificate, [])));
        Assert.Contains((await AdminServer.Body(signed, 201))["warnings"]!.AsArray(), warning => (string)warning!["code"]! == "signerUnknown" && (string)warning["severity"]! == "told");

        foreach (var (bytes, code) in new (byte[], string)[] { ([], "unreadable"), ("{}"u8.ToArray(), "isJson"), ("hello"u8.ToArray(), "noProfile"), ([.. PlistWriter.ToBytes(bare)[..^30]], "unreadable") })
        {
            using var refused = await server.Admin.PostAsync("/api/v1/profiles", File(bytes));
            var finding = (await AdminServer.Problem(refused, 422))["findings"]![0]!;
            Assert.Equal((code, "refused", ""), ((string)finding["code"]!, (string)finding["severity"]!, (string)finding["field"]!));
        }

        using var variable = await server.Admin.PostAsync("/api/v1/profiles", AdminServer.Json(Body(WiFi(NewIdentifier(), "{{shoe size}}"))));
        Assert.Equal("unknownVariable", (string)(await AdminServer.Problem(variable, 422))["findings"]![0]!["code"]!);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a\tb")]
    public async Task A_key_that_could_not_be_put_back_is_refused_with_its_place(string name)
    {
        using var posted = await server.Admin.PostAsync("/api/v1/profiles", File(PlistWriter.ToBytes(new PlistDictionary
        {
            ["PayloadType"] = "Configuration",
            ["PayloadVersion"] = 1,
            ["PayloadIdentifier"] = NewIdentifier(),
            ["PayloadContent"] = new PlistArray([new PlistDictionary { ["PayloadType"] = "com.example.unknown", ["inner"] = new PlistDictionary { [name] = "x" } }]),
        })));
        await AdminServer.Blames(posted, "profile.PayloadContent[0].inner", 422);
    }

    [Fact]
    public async Task A_change_that_changes_nothing_makes_no_version()
    {
        var id = (string)(await Create(WiFi(NewIdentifier())))["id"]!;
        var (shown, tag) = await Get(id);
        using var put = await Put(id, shown["profile"]!.ToJsonString(), tag);
        var saved = await AdminServer.Body(put, 200);
        Assert.Equal((true, 1), ((bool)saved["unchanged"]!, (int)saved["version"]!));
    }

    [Fact]
    public async Task Two_versions_are_compared_key_by_key_and_a_changed_secret_is_told_but_not_shown()
    {
        var identifier = NewIdentifier();
        var id = (string)(await Create(WiFi(identifier)))["id"]!;
        using var put = await Put(id, WiFi(identifier, "Southside", "battery staple", "New name"));
        await AdminServer.Body(put, 200);

        using var compared = await server.Admin.GetAsync($"/api/v1/profiles/{id}/compare?from=1&to=2");
        var body = await AdminServer.Body(compared, 200);
        var differences = body["differences"]!.AsArray().ToDictionary(difference => (string)difference!["path"]!, difference => difference!);
        Assert.Equal(
            new[] { $"PayloadContent[{identifier}.managed.1].Password", $"PayloadContent[{identifier}.managed.1].SSID_STR", "PayloadDisplayName" },
            differences.Keys.Order(StringComparer.Ordinal));
        var ssid = differences[$"PayloadContent[{identifier}.managed.1].SSID_STR"];
        Assert.Equal(("changed", "Northside", "Southside", false), ((string)ssid["change"]!, (string)ssid["from"]!, (string)ssid["to"]!, (bool)ssid["secret"]!));
        Assert.True((bool)differences[$"PayloadContent[{identifier}.managed.1].Password"]["secret"]!);
        Assert.DoesNotContain("staple", body.ToJsonString());
        Assert.DoesNotContain("horse", body.ToJsonString());
    }

    [Fact]
    public async Task Going_back_makes_a_new_version_with_the_old_content()
    {
        var identifier = NewIdentifier();
        var id = (string)(await Create(WiFi(identifier, "One")))["id"]!;
        using var put = await Put(id, WiFi(identifier, "Two"));
        await AdminServer.Body(put, 200);

        using var back = await server.Admin.PostAsync($"/api/v1/profiles/{id}/versions/1/restore?note=wrong", null);
        Assert.Equal(3, (int)(await AdminServer.Body(back, 200))["version"]!);
        using var versions = await server.Admin.GetAsync($"/api/v1/profiles/{id}/versions?limit=1");
        var newest = (await AdminServer.Body(versions, 200))["items"]![0]!;
        Assert.Equal((3, 1, "wrong"), ((int)newest["version"]!, (int)newest["restoredFrom"]!, (string)newest["note"]!));
        var payload = (PlistDictionary)Unsigned(await Download(id)).GetArray("PayloadContent")![0];
        Assert.Equal(("One", "correct horse"), (payload.GetString("SSID_STR"), payload.GetString("Password")));
        using var unknown = await server.Admin.PostAsync($"/api/v1/profiles/{id}/versions/9/restore", null);
        await AdminServer.Problem(unknown, 404);
    }

    [Fact]
    public async Task Two_profiles_cannot_have_one_identifier_and_a_profile_cannot_get_another()
    {
        var identifier = NewIdentifier();
        var id = (string)(await Create(Restrictions(identifier)))["id"]!;
        using var again = await server.Admin.PostAsync("/api/v1/profiles", AdminServer.Json(Body(Restrictions(identifier))));
        var problem = await AdminServer.Problem(again, 409);
        Assert.Equal("identifier-taken", (string)problem["code"]!);
        Assert.Contains(id, (string)problem["detail"]!);

        using var other = await Put(id, Restrictions(NewIdentifier()));
        await AdminServer.Blames(other, "profile.PayloadIdentifier", 422);
    }

    [Fact]
    public async Task The_same_request_with_the_same_key_makes_one_profile()
    {
        var body = Body(Restrictions(NewIdentifier()));
        var ids = new HashSet<string>();
        for (var i = 0; i < 2; i++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/profiles") { Content = AdminServer.Json(body), Headers = { { "Idempotency-Key", "profile ".Trim() + body.GetHashCode(StringComparison.Ordinal) } } };
            using var response = await server.Admin.SendAsync(request);
            ids.Add((string)(await AdminServer.Body(response, 201))["id"]!);
        }

        Assert.Single(ids);
    }

    [Theory]
    [InlineData("""{"PayloadContent": [{"PayloadType": "com.apple.wifi.managed", "SSID_STR": 3, "EncryptionType": "WPA2"}]}""", 400, "profile.PayloadContent[0].SSID_STR")]
    [InlineData("""{"PayloadContent": [{"PayloadType": "com.apple.wifi.managed", "SSID_STR": "a", "EncryptionType": "ROT13"}]}""", 422, "profile.PayloadContent[0].EncryptionType")]
    [InlineData("""{"PayloadContent": [{"PayloadType": "com.apple.webClip.managed", "Label": "x"}]}""", 422, "profile.PayloadContent[0].URL")]
    [InlineData("""{"PayloadContent": [{"SSID_STR": "a"}]}""", 400, "profile.PayloadContent[0].PayloadType")]
    [InlineData("""{"PayloadContent": {}}""", 400, "profile.PayloadContent")]
    [InlineData("""{"PayloadContent": [{"PayloadType": "com.apple.wifi.managed", "SSID_STR": "a", "EncryptionType": "WPA2", "Password": "(hidden)"}]}""", 400, "profile.PayloadContent[0].Password")]
    [InlineData("""{"PayloadContent": [{"PayloadType": "com.apple.wifi.managed", "SSID_STR": "{{shoe size}}", "EncryptionType": "WPA2"}]}""", 422, "profile.PayloadContent[0].SSID_STR")]
    [InlineData("""{"PayloadIdentifier": "org.example.{{serial}}", "PayloadContent": []}""", 422, "profile.PayloadIdentifier")]
    [InlineData("[]", 400, "profile")]
    public async Task What_ipads_would_refuse_is_refused_and_named(string profile, int status, string field)
    {
        using var response = await server.Admin.PostAsync("/api/v1/profiles", AdminServer.Json(Body(profile)));
        await AdminServer.Blames(response, field, status);
    }

    [Theory]
    [InlineData("""{"PayloadContent": [{"PayloadType": "com.apple.mdm", "ServerURL": "https://other.test/"}]}""")]
    [InlineData("""{"PayloadIdentifier": "com.fleetmdm.enrolment", "PayloadContent": []}""")]
    public async Task A_profile_that_would_end_the_enrolment_is_refused(string profile)
    {
        using var response = await server.Admin.PostAsync("/api/v1/profiles", AdminServer.Json(Body(profile)));
        Assert.True((int)response.StatusCode is 422, await response.Content.ReadAsStringAsync());
        Assert.Contains((string)(await AdminServer.Problem(response, 422))["code"]!, (string[])["own-enrolment", "invalid-profile"]);
    }

    [Fact]
    public async Task An_unknown_key_is_taken_with_a_warning_and_keeps_its_type_when_it_comes_back()
    {
        var identifier = NewIdentifier();
        var file = PlistWriter.ToBytes(new PlistDictionary
        {
            ["PayloadType"] = "Configuration",
            ["PayloadVersion"] = 1,
            ["PayloadIdentifier"] = identifier,
            ["PayloadContent"] = new PlistArray([new PlistDictionary
            {
                ["PayloadType"] = "com.apple.applicationaccess", ["PayloadVersion"] = 1, ["PayloadIdentifier"] = identifier + ".1",
                ["PayloadUUID"] = Guid.NewGuid().ToString(), ["allowTimeTravel"] = new byte[] { 1, 2, 3 }, ["untilWhen"] = new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero),
            }]),
            ["PayloadUUID"] = Guid.NewGuid().ToString(),
        });
        using var posted = await server.Admin.PostAsync("/api/v1/profiles", File(file));
        var made = await AdminServer.Body(posted, 201);
        Assert.Contains(made["warnings"]!.AsArray(), warning => (string)warning!["field"]! == "PayloadContent[0].allowTimeTravel");

        var id = (string)made["id"]!;
        var (shown, tag) = await Get(id);
        var changed = shown["profile"]!.DeepClone();
        changed["PayloadContent"]![0]!["allowCamera"] = false;
        using var put = await Put(id, changed.ToJsonString(), tag);
        await AdminServer.Body(put, 200);
        var payload = (PlistDictionary)Unsigned(await Download(id)).GetArray("PayloadContent")![0];
        Assert.Equal([1, 2, 3], payload.GetData("allowTimeTravel"));
        Assert.Equal(2030, payload.GetDate("untilWhen")!.Value.Year);
        Assert.False(payload.GetBoolean("allowCamera"));
    }

    [Fact]
    public async Task A_secret_never_moves_to_another_item_of_a_list()
    {
        var identifier = NewIdentifier();
        var id = (string)(await Create($$"""
            {"PayloadIdentifier": "{{identifier}}", "PayloadContent": [{"PayloadType": "com.apple.airplay", "Passwords": [
              {"DeviceName": "Hall", "Password": "one"}, {"DeviceName": "Library", "Password": "two"}]}]}
            """))["id"]!;
        var (shown, tag) = await Get(id);
        var changed = shown["profile"]!.DeepClone();
        changed["PayloadContent"]![0]!["Passwords"]!.AsArray().RemoveAt(0);
        using var put = await Put(id, changed.ToJsonString(), tag);
        await AdminServer.Body(put, 200);

        var payload = (PlistDictionary)Unsigned(await Download(id)).GetArray("PayloadContent")![0];
        var left = (PlistDictionary)Assert.Single(payload.GetArray("Passwords")!);
        Assert.Equal(("Library", "two"), (left.GetString("DeviceName"), left.GetString("Password")));
    }

    [Fact]
    public async Task A_signed_file_is_kept_byte_for_byte_and_its_variables_are_told()
    {
        var identifier = NewIdentifier();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=District", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UnixEpoch.AddYears(50), DateTimeOffset.UnixEpoch.AddYears(100));
        var plain = new ConfigurationProfile
        {
            Identifier = identifier,
            DisplayName = "For {{name}}",
            Payloads = [],
        };
        var signed = ProfileSigner.Sign(plain.ToBytes(), certificate, []);

        using var form = new MultipartFormDataContent { { File(signed), "profile", "signed.mobileconfig" }, { new StringContent("from the vendor"), "note" } };
        using var posted = await server.Admin.PostAsync("/api/v1/profiles", form);
        var made = await AdminServer.Body(posted, 201);
        Assert.Contains(made["warnings"]!.AsArray(), warning => ((string)warning!["message"]!).Contains("signed", StringComparison.Ordinal));
        var id = (string)made["id"]!;
        Assert.Equal(signed, await Download(id));
        var (shown, _) = await Get(id);
        Assert.True((bool)shown["signed"]!);
        Assert.Empty(shown["variables"]!.AsArray());
        using var versions = await server.Admin.GetAsync($"/api/v1/profiles/{id}/versions/1");
        Assert.Equal("from the vendor", (string)(await AdminServer.Body(versions, 200))["note"]!);
    }

    [Fact]
    public async Task Viewers_read_and_change_nothing_and_get_no_secrets()
    {
        var identifier = NewIdentifier();
        var secret = (string)(await Create(WiFi(identifier)))["id"]!;
        var open = (string)(await Create(Restrictions(NewIdentifier())))["id"]!;
        using var viewer = server.Client((await server.MakeToken("viewer")).Token);

        using var read = await viewer.GetAsync($"/api/v1/profiles/{secret}");
        Assert.Equal("(hidden)", (string)(await AdminServer.Body(read, 200))["profile"]!["PayloadContent"]![0]!["Password"]!);
        using var refused = await viewer.GetAsync($"/api/v1/profiles/{secret}/mobileconfig");
        await AdminServer.Problem(refused, 403);
        using var librarian = await RoleTests.With(server, "profile.read", "profile.change");
        using var link = await librarian.PutAsync($"/api/v1/profiles/{secret}/link", AdminServer.Json("""{"secretsToo": true}"""));
        await AdminServer.Problem(link, 403);
        using var given = await viewer.GetAsync($"/api/v1/profiles/{open}/mobileconfig");
        Assert.Equal(HttpStatusCode.OK, given.StatusCode);
        using var changed = await Put(secret, WiFi(identifier, "Other"), client: viewer);
        await AdminServer.Problem(changed, 403);
        using var deleted = await viewer.DeleteAsync($"/api/v1/profiles/{open}");
        await AdminServer.Problem(deleted, 403);
        using var sent = await viewer.PostAsync($"/api/v1/profiles/{open}/install", AdminServer.Json("""{"target": {"all": true}}"""));
        await AdminServer.Problem(sent, 403);
    }

    [Theory]
    [InlineData("""{"PayloadType": "com.apple.relay.managed", "Relays": [{"HTTP3RelayURL": "https://x", "AdditionalHTTPHeaderFields": {"Authorization": "Bearer TOPSECRET", "Via": "TOPSECRET"}}]}""")]
    [InlineData("""{"PayloadType": "com.vendor.app", "Password": 97531246, "Secrets": ["TOPSECRET"], "api_key": "TOPSECRET", "auth": "TOPSECRET"}""")]
    [InlineData("""{"PayloadType": "com.apple.webClip.managed", "Label": "x", "URL": "https://user:TOPSECRET@x.example/"}""")]
    public async Task A_viewer_sees_no_secret_of_any_kind_and_the_mark_keeps_each(string payload)
    {
        var id = (string)(await Create($$"""{"PayloadIdentifier": "{{NewIdentifier()}}", "PayloadContent": [{{payload}}]}"""))["id"]!;
        using var viewer = server.Client((await server.MakeToken("viewer")).Token);
        foreach (var path in new[] { $"/api/v1/profiles/{id}", $"/profiles/{id}" })
        {
            var shown = await viewer.GetStringAsync(path);
            Assert.DoesNotContain("TOPSECRET", shown, StringComparison.Ordinal);
            Assert.DoesNotContain("97531246", shown, StringComparison.Ordinal);
        }

        using var refused = await viewer.GetAsync($"/api/v1/profiles/{id}/mobileconfig");
        await AdminServer.Problem(refused, 403);

        var changed = (await Get(id)).Body["profile"]!.DeepClone();
        changed["PayloadDisplayName"] = "New name";
        using var put = await Put(id, changed.ToJsonString());
        await AdminServer.Body(put, 200);
        Assert.Matches("TOPSECRET|97531246", System.Text.Encoding.UTF8.GetString(PlistWriter.ToBytes(Unsigned(await Download(id)))));
    }

    [Fact]
    public async Task Networks_without_identifiers_keep_their_own_passwords_in_another_order()
    {
        var identifier = NewIdentifier();
        string Of(string one, string other, string? password = null) => $$"""
            {"PayloadIdentifier": "{{identifier}}", "PayloadContent": [{{string.Join(", ", new[] { one, other }.Select(ssid =>
                $$"""{"PayloadType": "com.apple.wifi.managed", "SSID_STR": "{{ssid}}", "EncryptionType": "WPA2", "Password": "{{(password is null ? "(hidden)" : password + ssid)}}"}"""))}}]}
            """;
        var id = (string)(await Create(Of("A", "B", "password")))["id"]!;
        using var swapped = await Put(id, Of("B", "A"));
        await AdminServer.Body(swapped, 200);
        var payloads = Unsigned(await Download(id)).GetArray("PayloadContent")!.Cast<PlistDictionary>();
        Assert.Equal([("B", "passwordB"), ("A", "passwordA")], payloads.Select(payload => (payload.GetString("SSID_STR")!, payload.GetString("Password")!)));

        using var unsure = await Put(id, Of("C", "B"));
        await AdminServer.Blames(unsure, "profile.PayloadContent[0].Password");
    }

    [Fact]
    public async Task A_file_or_a_command_with_the_mark_in_the_place_of_a_secret_is_refused()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=District", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UnixEpoch.AddYears(50), DateTimeOffset.UnixEpoch.AddYears(100));
        var identifier = NewIdentifier();
        var id = (string)(await Create(WiFi(identifier)))["id"]!;
        var file = PlistWriter.ToBytes(ProfileSecrets.Hide(Unsigned(await Download(id))));
        var pad = await server.Enrol();
        foreach (var bytes in new[] { file, ProfileSigner.Sign(file, certificate, []) })
        {
            using var posted = await server.Admin.PostAsync("/api/v1/profiles", File(bytes));
            await AdminServer.Blames(posted, "profile.PayloadContent[0].Password", 422);
            using var request = new HttpRequestMessage(HttpMethod.Put, $"/api/v1/profiles/{id}") { Content = File(bytes), Headers = { { "If-Match", "*" } } };
            using var put = await server.Admin.SendAsync(request);
            await AdminServer.Blames(put, "profile.PayloadContent[0].Password", 422);
            using var sent = await server.Admin.PostAsync($"{pad.Path}/commands", File(bytes));
            Assert.Contains("Write the secret itself", (string)(await AdminServer.Problem(sent, 422))["detail"]!, StringComparison.Ordinal);
        }

        Assert.Equal("correct horse", ((PlistDictionary)Unsigned(await Download(id)).GetArray("PayloadContent")![0]).GetString("Password"));
    }

    [Fact]
    public async Task The_mark_of_a_hidden_secret_is_refused_in_a_raw_command_as_everywhere()
    {
        var pad = await server.Enrol();
        var profile = Encoding.UTF8.GetBytes("""
            <plist version="1.0"><dict><key>PayloadType</key><string>Configuration</string><key>PayloadContent</key><array><dict><key>PayloadType</key>
            <string>com.apple.wifi.managed</string><key>SSID_STR</key><string>S</string><key>Password</key><string>(hidden)</string></dict></array></dict></plist>
            """);
        foreach (var (body, field) in new[]
        {
            ($"<key>RequestType</key><string>InstallProfile</string><key>Payload</key><data>{Convert.ToBase64String(profile)}</data>", "Payload"),
            ("<key>RequestType</key><string>MakeCoffee</string><key>Options</key><array><dict><key>Password</key><string>(hidden)</string></dict></array>", "Options[0].Password"),
        })
        {
            using var sent = await server.Admin.PostAsync($"{pad.Path}/commands?raw=true", new StringContent($"<plist version=\"1.0\"><dict>{body}</dict></plist>", Encoding.UTF8, "application/xml"));
            var problem = await AdminServer.Problem(sent, field == "Payload" ? 422 : 400);
            Assert.Contains("Write the secret itself", (string?)problem["errors"]![field]![0], StringComparison.Ordinal);
        }

        Assert.Null((await pad.Idle()).Body);
    }

    [Fact]
    public async Task To_remove_the_servers_own_profile_by_a_command_comes_with_a_warning()
    {
        var pad = await server.Enrol();
        using var sent = await server.Admin.PostAsync($"{pad.Path}/commands", AdminServer.Json("""{"requestType": "RemoveProfile", "identifier": "com.fleetmdm.trust"}"""));
        var warning = Assert.Single((await AdminServer.Body(sent, 202))["warnings"]!.AsArray())!;
        Assert.Equal("identifier", (string)warning["field"]!);
        Assert.Contains("enrolled again", (string)warning["detail"]!, StringComparison.Ordinal);
        using var other = await server.Admin.PostAsync($"{pad.Path}/commands", AdminServer.Json("""{"requestType": "RemoveProfile", "identifier": "org.example.a"}"""));
        Assert.Empty((await AdminServer.Body(other, 202))["warnings"]!.AsArray());
    }

    [Theory]
    [InlineData(0, "The file is empty.")]
    [InlineData(4 * 1024 * 1024 + 1, "The file has 4194305 bytes; at most 4194304 are taken.")]
    public async Task A_file_of_a_wrong_size_gets_a_sentence(int size, string sentence)
    {
        using var posted = await server.Admin.PostAsync("/api/v1/profiles", File(new byte[size]));
        Assert.Contains(sentence, await posted.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(422, (int)posted.StatusCode);
    }

    [Fact]
    public async Task A_download_with_secrets_leaves_a_record_and_one_without_leaves_none()
    {
        var secret = (string)(await Create(WiFi(NewIdentifier())))["id"]!;
        var open = (string)(await Create(Restrictions(NewIdentifier())))["id"]!;
        using var silent = await server.Admin.GetAsync($"/api/v1/profiles/{secret}/mobileconfig");
        await AdminServer.Blames(silent, "reason");
        await Download(secret);
        await Download(open);

        using var response = await server.Admin.GetAsync("/api/v1/audit?limit=50&verb=secret.read");
        var targets = (await AdminServer.Body(response, 200))["items"]!.AsArray().Select(record => (string?)record!["targetId"]).ToList();
        Assert.Equal(1, targets.Count(target => target == secret));
        Assert.DoesNotContain(open, targets);
    }

    [Fact]
    public async Task The_list_is_paged_by_name_and_searched()
    {
        var mark = Guid.NewGuid().ToString("N")[..8];
        foreach (var name in (string[])["c", "A", "b%"]) await Create(WiFi(NewIdentifier(), name: $"{mark} {name}"));

        var names = new List<string>();
        string? after = null;
        do
        {
            using var page = await server.Admin.GetAsync($"/api/v1/profiles?q={mark.ToUpperInvariant()}&limit=1{(after is null ? "" : $"&after={after}")}");
            var body = await AdminServer.Body(page, 200);
            names.AddRange(body["items"]!.AsArray().Select(item => (string)item!["name"]!));
            after = (string?)body["next"];
        }
        while (after is not null);
        Assert.Equal([$"{mark} A", $"{mark} b%", $"{mark} c"], names);

        using var literal = await server.Admin.GetAsync($"/api/v1/profiles?q={mark}%20b%25");
        Assert.Single((await AdminServer.Body(literal, 200))["items"]!.AsArray());
        using var nothing = await server.Admin.GetAsync("/api/v1/profiles?after=nonsense");
        await AdminServer.Blames(nothing, "after");
    }

    [Fact]
    public async Task A_deleted_profile_is_gone_with_its_versions_and_its_identifier_is_free_again()
    {
        var identifier = NewIdentifier();
        var id = (string)(await Create(Restrictions(identifier)))["id"]!;
        using var deleted = await server.Admin.DeleteAsync($"/api/v1/profiles/{id}");
        Assert.Equal(0, (long)(await AdminServer.Body(deleted, 200))["iPads"]!);
        using var gone = await server.Admin.GetAsync($"/api/v1/profiles/{id}");
        await AdminServer.Problem(gone, 404);
        using var versions = await server.Admin.GetAsync($"/api/v1/profiles/{id}/versions");
        await AdminServer.Problem(versions, 404);
        Assert.NotEqual(id, (string)(await Create(Restrictions(identifier)))["id"]!);
    }

    [Fact]
    public async Task Secrets_are_nowhere_in_the_database_in_the_clear()
    {
        var password = "pw" + Guid.NewGuid().ToString("N");
        var id = (string)(await Create(WiFi(NewIdentifier(), password: password)))["id"]!;
        await Download(id);
        // By another process: SQLite would lose its locks when this one closed the file.
        var (_, found) = await Run("grep", "-l", "-a", "-r", "-F", password, server.DataDirectory);
        Assert.Equal("", found);
    }

    [Theory]
    [InlineData(15, 201)]
    [InlineData(21, 201)]
    [InlineData(22, 422)]
    [InlineData(40, 422)]
    public async Task A_profile_is_nested_no_deeper_than_it_can_be_shown(int depth, int status)
    {
        PlistNode nested = "deep";
        for (var i = 0; i < depth; i++) nested = new PlistArray([nested]);
        var identifier = NewIdentifier();
        using var posted = await server.Admin.PostAsync("/api/v1/profiles", File(PlistWriter.ToBytes(new PlistDictionary
        {
            ["PayloadType"] = "Configuration",
            ["PayloadVersion"] = 1,
            ["PayloadIdentifier"] = identifier,
            ["PayloadContent"] = new PlistArray([new PlistDictionary { ["PayloadType"] = "com.apple.applicationaccess", ["allowCamera"] = false, ["unknownKey"] = nested }]),
        })));
        var body = await AdminServer.Body(posted, status);
        if (status != 201) return;
        // What is shown can be put back.
        var (shown, tag) = await Get((string)body["id"]!);
        using var put = await Put((string)body["id"]!, shown["profile"]!.ToJsonString(), tag);
        Assert.True((bool)(await AdminServer.Body(put, 200))["unchanged"]!);
    }

    private async Task<string> Publish(string id, string body = "{}")
    {
        using var published = await server.Admin.PutAsync($"/api/v1/profiles/{id}/link", AdminServer.Json(body));
        return (string)(await AdminServer.Body(published, 200))["url"]!;
    }

    private async Task<HttpStatusCode> Open(string url)
    {
        using var stranger = server.Client();
        using var page = await stranger.GetAsync(new Uri(url).AbsolutePath);
        using var file = await stranger.GetAsync(new Uri(url).AbsolutePath + "/download");
        Assert.Equal(page.StatusCode, file.StatusCode);
        return page.StatusCode;
    }

    [Fact]
    public async Task A_public_profile_can_be_downloaded_by_its_link_until_that_is_changed_or_withdrawn()
    {
        var identifier = NewIdentifier();
        var id = (string)(await Create(Restrictions(identifier)))["id"]!;
        using var none = await server.Admin.GetAsync($"/api/v1/profiles/{id}/link");
        await AdminServer.Problem(none, 404);

        var url = await Publish(id);
        Assert.StartsWith("https://mdm.test/profile/", url);
        using var stranger = server.Client();
        using var page = await stranger.GetAsync(new Uri(url).AbsolutePath);
        var html = await page.Content.ReadAsStringAsync();
        Assert.Contains("Restrictions", html);
        Assert.Contains(new Uri(url).AbsolutePath + "/download", html);
        Assert.Contains("default-src 'none'", page.Headers.GetValues("Content-Security-Policy").Single());
        using var file = await stranger.GetAsync(new Uri(url).AbsolutePath + "/download");
        Assert.Equal(MobileConfig, file.Content.Headers.ContentType?.MediaType);
        Assert.Equal(identifier, Unsigned(await file.Content.ReadAsByteArrayAsync()).GetString("PayloadIdentifier"));
        using var shown = await server.Admin.GetAsync($"/api/v1/profiles/{id}/link");
        Assert.Equal(url, (string)(await AdminServer.Body(shown, 200))["url"]!);
        Assert.True((bool)(await Get(id)).Body["public"]!);

        var next = await Publish(id);
        Assert.Equal((HttpStatusCode.NotFound, HttpStatusCode.OK), (await Open(url), await Open(next)));
        using var withdrawn = await server.Admin.DeleteAsync($"/api/v1/profiles/{id}/link");
        Assert.Equal(HttpStatusCode.NoContent, withdrawn.StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, await Open(next));
    }

    [Fact]
    public async Task What_has_variables_is_never_public_and_what_has_secrets_only_when_that_is_said()
    {
        var variable = (string)(await Create(WiFi(NewIdentifier(), ssid: "{{school}}", password: "")))["id"]!;
        using var refused = await server.Admin.PutAsync($"/api/v1/profiles/{variable}/link", AdminServer.Json("""{"secretsToo": true}"""));
        Assert.Contains("{{school}}", (string)(await AdminServer.Problem(refused, 422))["detail"]!);

        var identifier = NewIdentifier();
        var secret = (string)(await Create(WiFi(identifier)))["id"]!;
        using var untold = await server.Admin.PutAsync($"/api/v1/profiles/{secret}/link", AdminServer.Json("{}"));
        await AdminServer.Blames(untold, "secretsToo", 422);
        var url = await Publish(secret, """{"secretsToo": true}""");
        Assert.Equal(HttpStatusCode.OK, await Open(url));
        using var viewer = server.Client((await server.MakeToken("viewer")).Token);
        using var hidden = await viewer.GetAsync($"/api/v1/profiles/{secret}/link");
        Assert.Null((string?)(await AdminServer.Body(hidden, 200))["url"]);

        // A public one gets neither by a change.
        using var withVariable = await Put(secret, WiFi(identifier, "{{serial}}"));
        Assert.Equal("profile-is-public", (string)(await AdminServer.Problem(withVariable, 409))["code"]!);
        var plain = NewIdentifier();
        var open = (string)(await Create(WiFi(plain, password: "")))["id"]!;
        await Publish(open);
        using var withSecret = await Put(open, WiFi(plain));
        Assert.Equal("profile-is-public", (string)(await AdminServer.Problem(withSecret, 409))["code"]!);
    }

    [Theory]
    [InlineData("/profile/x")]
    [InlineData("/profile/AAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    [InlineData("/profile/..%2F..%2Fetc")]
    [InlineData("/profile/x/download")]
    public async Task A_link_that_is_none_leads_to_a_page_that_says_so(string path)
    {
        using var stranger = server.Client();
        using var page = await stranger.GetAsync(path);
        Assert.Equal(HttpStatusCode.NotFound, page.StatusCode);
    }

    [Fact]
    public async Task OpenSSL_and_plistlib_read_what_is_made()
    {
        var id = (string)(await Create(WiFi(NewIdentifier(), name: "Åsa & <Co>")))["id"]!;
        using var folder = new Testing.TemporaryFolder();
        await System.IO.File.WriteAllBytesAsync(folder.File("signed"), await Download(id));
        using var ca = await server.Client().GetAsync("/ca.pem");
        await System.IO.File.WriteAllTextAsync(folder.File("ca.pem"), await ca.Content.ReadAsStringAsync());
        var (code, output) = await Run("openssl", "cms", "-verify", "-inform", "DER", "-in", folder.File("signed"), "-CAfile", folder.File("ca.pem"), "-purpose", "any", "-out", folder.File("plain"));
        Assert.True(code == 0, output);
        (code, output) = await Run("python3", "-c", $"import plistlib; p = plistlib.load(open('{folder.File("plain")}', 'rb')); print(p['PayloadDisplayName'], p['PayloadContent'][0]['Password'])");
        Assert.Equal((0, "Åsa & <Co> correct horse"), (code, output.Trim()));
    }

    private static async Task<(int Code, string Output)> Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, Environment = { ["PYTHONIOENCODING"] = "utf-8" } })!;
        var output = await process.StandardOutput.ReadToEndAsync() + await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return (process.ExitCode, output);
    }
}
