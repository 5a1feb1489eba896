using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using FleetMdm.Grains.Interfaces;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Api.Tests.Admin;

public sealed class WebhookTests(AdminServer server)
{
    private const string Path = "/api/v1/webhooks";

    private async Task<(string Id, string Secret)> Create(WebhookReceiver receiver, string events, string format = "standard")
    {
        using var made = await server.Admin.PostAsync(Path, AdminServer.Json($$"""{"name": "Hook", "url": "{{receiver.Url}}", "events": [{{events}}], "format": "{{format}}"}"""));
        var body = await AdminServer.Body(made, 201);
        return ((string)body["webhook"]!["id"]!, (string)body["secret"]!);
    }

    private async Task Dispatch()
    {
        await server.Grains.GetGrain<IAuditChainGrain>(0).Seal();
        await server.Grains.GetGrain<IWebhookDispatchGrain>(0).Dispatch();
    }

    private async Task<JsonObject> Get(string path)
    {
        using var response = await server.Admin.GetAsync(path);
        return await AdminServer.Body(response, 200);
    }

    private async Task<JsonObject> Post(string path, int status = 200, string? body = null)
    {
        using var response = await server.Admin.PostAsync(path, body is null ? null : AdminServer.Json(body));
        return await AdminServer.Body(response, status);
    }

    /// <summary>Until the store says so: what was received is written a moment later.</summary>
    private async Task<JsonObject> Until(string id, Func<JsonObject, bool> holds)
    {
        for (var n = 0; ; n++)
        {
            var webhook = await Get($"{Path}/{id}");
            if (holds(webhook)) return webhook;
            Assert.True(n < 600, webhook.ToJsonString());
            await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
        }
    }

    /// <summary>As Standard Webhooks describes it, from nothing but the secret and what was sent.</summary>
    private static string Signature(string secret, ReceivedEvent received) => "v1," + Convert.ToBase64String(HMACSHA256.HashData(
        Convert.FromBase64String(secret["whsec_".Length..]),
        Encoding.UTF8.GetBytes($"{received.Headers["webhook-id"]}.{received.Headers["webhook-timestamp"]}.").Concat(received.Body).ToArray()));

    [Fact]
    public async Task A_finished_command_is_told_signed_and_without_what_the_iPad_answered()
    {
        await using var receiver = await WebhookReceiver.Start();
        var (id, secret) = await Create(receiver, "\"command.finished\"");
        var pad = await server.Enrol();
        var uuid = await pad.Send();
        await pad.Answer(uuid, extra: "<key>UnlockToken</key><data>c2VjcmV0</data>");
        await Dispatch();

        var received = await receiver.Next();
        while ((string?)received.Json["data"]!["commandUuid"] != uuid) received = await receiver.Next();

        Assert.Equal("command.finished", (string)received.Json["type"]!);
        var data = received.Json["data"]!;
        Assert.Equal((pad.Id, "DeviceLock", "acknowledged"), ((string)data["deviceId"]!, (string)data["requestType"]!, (string)data["status"]!));
        Assert.Equal("application/json", received.Headers["Content-Type"]);
        Assert.Equal(Signature(secret, received), received.Headers["webhook-signature"]);
        Assert.Equal(Convert.ToBase64String(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), received.Body)), received.Headers["X-Hmac-Signature"]);
        Assert.InRange(long.Parse(received.Headers["webhook-timestamp"]), TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() - 120, TimeProvider.System.GetUtcNow().ToUnixTimeSeconds() + 5);
        Assert.DoesNotContain("c2VjcmV0", received.Text);
        await Until(id, webhook => (long)webhook["delivered"]! >= 1 && webhook["failingSince"] is null);
        await Delete(id);
    }

    [Fact]
    public async Task What_fails_is_sent_again_with_the_same_id_and_the_same_body_and_holds_back_its_own_iPad_only()
    {
        await using var receiver = await WebhookReceiver.Start();
        var (id, _) = await Create(receiver, "\"command.finished\"");
        var (one, other) = (await server.Enrol(), await server.Enrol());
        var failed = false;
        receiver.Answer = (received, response) =>
        {
            if (!failed && (string?)received.Json["data"]!["deviceId"] == one.Id)
            {
                failed = true;
                response.StatusCode = 500;
            }

            return Task.CompletedTask;
        };
        var (first, second, third) = (await one.Send(), await one.Send(), await other.Send());
        await one.Answer(first);
        await one.Answer(second);
        await other.Answer(third);
        await Dispatch();

        string[] mine = [first, second, third];
        var told = new List<ReceivedEvent>();
        while (told.Count < 4)
        {
            var next = await receiver.Next();
            if (mine.Contains((string?)next.Json["data"]!["commandUuid"])) told.Add(next);
        }

        string[] Of(TestPad pad) => [.. told.Where(received => (string?)received.Json["data"]!["deviceId"] == pad.Id).Select(received => (string)received.Json["data"]!["commandUuid"]!)];
        Assert.Equal([first, first, second], Of(one));
        Assert.Equal([third], Of(other));
        var tries = told.Where(received => (string?)received.Json["data"]!["commandUuid"] == first).ToList();
        Assert.Equal((tries[0].Id, tries[0].Text), (tries[1].Id, tries[1].Text));
        // The other iPad's was there before the second try.
        Assert.True(told.FindIndex(received => (string?)received.Json["data"]!["commandUuid"] == third) < told.IndexOf(tries[1]));
        await Delete(id);
    }

    [Fact]
    public async Task A_receiver_that_says_gone_is_sent_nothing_more_and_what_was_given_up_can_be_sent_again()
    {
        await using var receiver = await WebhookReceiver.Start();
        var (id, _) = await Create(receiver, "\"device.\"");
        receiver.Answer = (_, response) =>
        {
            response.StatusCode = 410;
            return Task.CompletedTask;
        };
        await Post($"{Path}/{id}/test", 202);
        await receiver.Next();

        var disabled = await Until(id, webhook => (string?)webhook["state"] == "disabled");
        Assert.Contains("410", (string)disabled["stateReason"]!);
        using var refused = await server.Admin.PostAsync($"{Path}/{id}/test", null);
        Assert.Equal("not-active", (string)(await AdminServer.Problem(refused, 409))["code"]!);
        Assert.Contains("webhook was disabled", await server.Admin.GetStringAsync("/"));
        Assert.Single((await Get($"/api/v1/audit?verb=webhook.disable&target={id}"))["items"]!.AsArray());
        var dead = Assert.Single((await Get($"{Path}/{id}/deliveries?state=dead"))["items"]!.AsArray())!;

        receiver.Answer = (_, _) => Task.CompletedTask;
        await Post($"{Path}/{id}/go-on");
        Assert.Equal(1, (int)(await Post($"{Path}/{id}/deliveries/{dead["id"]}/resend"))["count"]!);
        Assert.Equal((string)dead["eventId"]!, (await receiver.Next()).Id);
        await Until(id, webhook => (long)webhook["dead"]! == 0 && (long)webhook["delivered"]! == 1);
        await Delete(id);
    }

    [Fact]
    public async Task Records_are_told_as_they_stand_in_the_chain()
    {
        await using var receiver = await WebhookReceiver.Start();
        var (id, _) = await Create(receiver, "\"audit.note.write\"");
        var pad = await server.Enrol();
        await Post($"{pad.Path}/notes", 201, """{"text": "A new case."}""");
        await Dispatch();

        var received = await receiver.Next();

        Assert.Equal("audit.note.write", (string)received.Json["type"]!);
        Assert.Equal((pad.Id, "incident.change"), ((string)received.Json["data"]!["targetId"]!, (string)received.Json["data"]!["right"]!));
        await Delete(id);
    }

    [Fact]
    public async Task A_consumer_of_MicroMDM_gets_its_events_with_the_iPads_real_answer()
    {
        await using var receiver = await WebhookReceiver.Start();
        var (id, _) = await Create(receiver, "\"command.finished\", \"device.\"", "micromdm");
        var pad = await server.Enrol();
        var (plain, secret) = (await pad.Send(), await pad.Send());
        await pad.Answer(plain, extra: "<key>Note</key><string>as it was sent</string>");
        await pad.Answer(secret, extra: "<key>UnlockToken</key><data>c2VjcmV0</data>");
        await Dispatch();

        // In order: it enrolled, it answered.
        var mine = new List<JsonNode>();
        while (mine.Count < 4)
        {
            var next = (await receiver.Next()).Json;
            var of = next["checkin_event"] ?? next["acknowledge_event"]!;
            if ((string?)of["udid"] == pad.Id || (string?)of["enrollment_id"] == pad.Id) mine.Add(next);
        }

        Assert.Equal(["mdm.Authenticate", "mdm.TokenUpdate", "mdm.Connect", "mdm.Connect"], mine.Select(one => (string)one["topic"]!));
        Assert.All(mine, one => Assert.True(one["event_id"] is not null && one["created_at"] is not null));
        string Raw(JsonNode one) => Encoding.UTF8.GetString(Convert.FromBase64String((string)(one["checkin_event"] ?? one["acknowledge_event"])!["raw_payload"]!));
        var acknowledged = mine[2]["acknowledge_event"]!;
        Assert.Equal(("Acknowledged", plain), ((string)acknowledged["status"]!, (string)acknowledged["command_uuid"]!));
        Assert.Equal("as it was sent", PlistReader.ReadDictionary(Encoding.UTF8.GetBytes(Raw(mine[2])), PlistLimits.Admin).GetString("Note"));
        Assert.DoesNotContain("c2VjcmV0", Raw(mine[3]));
        Assert.Contains("(hidden)", Raw(mine[3]));
        Assert.Equal("TokenUpdate", PlistReader.ReadDictionary(Encoding.UTF8.GetBytes(Raw(mine[1])), PlistLimits.Admin).GetString("MessageType"));
        foreach (var secretKey in new[] { "UnlockToken", "PushMagic", "<key>Token</key>" }) Assert.DoesNotContain(secretKey, Raw(mine[1]));
        await Delete(id);
    }

    [Fact]
    public async Task A_new_secret_signs_beside_the_old_one_for_a_while()
    {
        await using var receiver = await WebhookReceiver.Start();
        var (id, old) = await Create(receiver, "\"device.\"");
        var rotated = await Post($"{Path}/{id}/rotate", body: """{"overlapHours": 1}""");
        var secret = (string)rotated["secret"]!;
        Assert.NotEqual(old, secret);
        await Post($"{Path}/{id}/test", 202);
        var both = await receiver.Next();
        Assert.Equal($"{Signature(secret, both)} {Signature(old, both)}", both.Headers["webhook-signature"]);

        await Post($"{Path}/{id}/rotate", body: """{"overlapHours": 0}""");
        await Post($"{Path}/{id}/test", 202);
        Assert.DoesNotContain(' ', (await receiver.Next()).Headers["webhook-signature"]);
        Assert.DoesNotContain("whsec_", (await Get($"{Path}/{id}")).ToJsonString());
        await Delete(id);
    }

    [Fact]
    public async Task A_redirect_is_not_followed_and_says_so()
    {
        await using var receiver = await WebhookReceiver.Start();
        await using var elsewhere = await WebhookReceiver.Start();
        var (id, _) = await Create(receiver, "\"device.\"");
        receiver.Answer = (_, response) =>
        {
            response.StatusCode = 307;
            response.Headers.Location = elsewhere.Url.ToString();
            return Task.CompletedTask;
        };
        await Post($"{Path}/{id}/test", 202);
        await receiver.Next();

        var failing = await Until(id, webhook => webhook["lastError"] is not null);
        Assert.Contains("Redirects are not followed", (string)failing["lastError"]!);
        Assert.Empty(elsewhere.All);
        await Delete(id);
    }

    [Fact]
    public async Task A_webhook_is_read_and_changed_by_its_tag_and_by_those_who_may()
    {
        await using var receiver = await WebhookReceiver.Start();
        var (id, _) = await Create(receiver, "\"device.\"");
        var body = $$"""{"name": "New", "url": "{{receiver.Url}}", "events": ["command.finished"]}""";
        async Task<HttpResponseMessage> Put(string? tag)
        {
            using var request = new HttpRequestMessage(HttpMethod.Put, $"{Path}/{id}") { Content = AdminServer.Json(body) };
            if (tag is not null) request.Headers.TryAddWithoutValidation("If-Match", tag);
            return await server.Admin.SendAsync(request);
        }

        using var missing = await Put(null);
        await AdminServer.Problem(missing, 428);
        using var changed = await Put("\"1\"");
        Assert.Equal("New", (string)(await AdminServer.Body(changed, 200))["name"]!);
        using var again = await Put("\"1\"");
        await AdminServer.Problem(again, 412);

        var (_, token) = await server.MakeToken("auditor");
        using var auditor = server.Client(token);
        using var read = await auditor.GetAsync($"{Path}/{id}");
        await AdminServer.Body(read, 200);
        using var refused = await auditor.PostAsync($"{Path}/{id}/test", null);
        await AdminServer.Problem(refused, 403);
        await Delete(id);
        using var gone = await server.Admin.GetAsync($"{Path}/{id}");
        await AdminServer.Problem(gone, 404);
    }

    [Theory]
    [InlineData("url", """{"name": "a", "url": "ftp://a.example/", "events": ["device."]}""")]
    [InlineData("url", """{"name": "a", "url": "https://me:pass@a.example/", "events": ["device."]}""")]
    [InlineData("url", """{"name": "a", "url": "https://169.254.169.254/latest", "events": ["device."]}""")]
    [InlineData("url", """{"name": "a", "url": "https://[::ffff:169.254.169.254]/", "events": ["device."]}""")]
    [InlineData("url", """{"name": "a", "url": "http://93.184.216.34/", "events": ["device."]}""")]
    [InlineData("events", """{"name": "a", "url": "https://a.example/", "events": []}""")]
    [InlineData("events[0]", """{"name": "a", "url": "https://a.example/", "events": ["device.exploded"]}""")]
    [InlineData("events[0]", """{"name": "a", "url": "https://a.example/", "events": ["audit."], "format": "micromdm"}""")]
    [InlineData("format", """{"name": "a", "url": "https://a.example/", "events": ["device."], "format": "xml"}""")]
    [InlineData("name", """{"name": " ", "url": "https://a.example/", "events": ["device."]}""")]
    public async Task What_is_wrong_is_told_at_its_field(string field, string body)
    {
        using var response = await server.Admin.PostAsync(Path, AdminServer.Json(body));
        await AdminServer.Blames(response, field);
    }

    [Fact]
    public async Task The_pages_create_show_and_delete_one()
    {
        await using var receiver = await WebhookReceiver.Start();
        using var browser = server.Client(server.Token);
        using var made = await browser.PostAsync("/webhooks", new FormUrlEncodedContent([new("key", Guid.NewGuid().ToString("N")), new("name", "From a page"), new("url", receiver.Url.ToString()), new("events", "device.\naudit.")]));
        var page = await made.Content.ReadAsStringAsync();
        Assert.Contains("whsec_", page);
        var id = System.Text.RegularExpressions.Regex.Match(page, "/webhooks/([0-9a-f-]{36})/test").Groups[1].Value;
        Assert.Contains("From a page", await browser.GetStringAsync("/webhooks"));
        Assert.DoesNotContain("whsec_", await browser.GetStringAsync($"/webhooks/{id}"));
        using var wrong = await browser.PostAsync($"/webhooks/{id}/edit", new FormUrlEncodedContent([new("name", "Kept as typed"), new("url", "nothing"), new("events", "device."), new("version", "1")]));
        Assert.Contains("Kept as typed", await wrong.Content.ReadAsStringAsync());
        using var deleted = await browser.PostAsync($"/webhooks/{id}/delete", new FormUrlEncodedContent([new("key", "a")]));
        using var gone = await server.Admin.GetAsync($"{Path}/{id}");
        await AdminServer.Problem(gone, 404);
    }

    private async Task Delete(string id)
    {
        using var deleted = await server.Admin.DeleteAsync($"{Path}/{id}");
        Assert.Equal(System.Net.HttpStatusCode.NoContent, deleted.StatusCode);
    }
}
