using System.Text.Json.Nodes;

namespace FleetMdm.Api.Tests.Admin;

public sealed class IdempotencyTests(AdminServer server)
{
    private const string Lock = """{"requestType": "DeviceLock"}""";

    [Fact]
    public async Task The_same_command_with_the_same_key_is_queued_once_and_answered_the_same()
    {
        var pad = await server.Enrol();
        var key = Key();
        using var first = await Post($"{pad.Path}/commands", Lock, key);
        var accepted = await AdminServer.Body(first, 202);
        Assert.False(first.Headers.Contains("Idempotency-Replayed"));

        using var second = await Post($"{pad.Path}/commands", Lock, key);
        Assert.Equal(accepted.ToJsonString(), (await AdminServer.Body(second, 202)).ToJsonString());
        Assert.Equal("true", second.Headers.GetValues("Idempotency-Replayed").Single());
        Assert.Equal(first.Headers.Location, second.Headers.Location);
        Assert.Equal(first.Content.Headers.ContentType, second.Content.Headers.ContentType);
        Assert.Single((await Commands(pad)));
    }

    [Fact]
    public async Task Twenty_at_once_with_the_same_key_queue_one_command()
    {
        var pad = await server.Enrol();
        var key = Key();
        var answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(async _ =>
        {
            using var response = await Post($"{pad.Path}/commands", Lock, key);
            return (string)(await AdminServer.Body(response, 202))["commandUuid"]!;
        }));
        Assert.Single(answers.Distinct());
        Assert.Single(await Commands(pad));
    }

    [Fact]
    public async Task A_server_that_died_between_doing_and_answering_does_nothing_twice()
    {
        // What such a server leaves behind: the command is queued, the key is claimed, and no answer is stored. Here the store forgets the answer.
        var pad = await server.Enrol();
        var key = Key();
        using var first = await Post($"{pad.Path}/commands", Lock, key);
        var uuid = (string)(await AdminServer.Body(first, 202))["commandUuid"]!;

        Assert.Equal(1, await server.Execute(
            $"UPDATE idempotency_keys SET status = NULL, content_type = NULL, body = NULL, location = NULL WHERE key = '{key}'"));

        using var again = await Post($"{pad.Path}/commands", Lock, key);
        Assert.Equal(uuid, (string?)(await AdminServer.Body(again, 202))["commandUuid"]);
        Assert.Single(await Commands(pad));
    }

    [Fact]
    public async Task A_key_that_is_kept_no_more_makes_another_command()
    {
        var pad = await server.Enrol();
        var key = Key();
        using var first = await Post($"{pad.Path}/commands", Lock, key);
        await AdminServer.Body(first, 202);

        Assert.Equal(1, await server.Execute($"DELETE FROM idempotency_keys WHERE key = '{key}'"));

        using var dayAfter = await Post($"{pad.Path}/commands", Lock, key);
        await AdminServer.Body(dayAfter, 202);
        Assert.False(dayAfter.Headers.Contains("Idempotency-Replayed"));
        Assert.Equal(2, (await Commands(pad)).Count);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_is_queued_later_has_a_later_CommandUUID_with_a_key_and_without(bool withKeys)
    {
        var pad = await server.Enrol();
        var uuids = new List<string>();
        for (var i = 0; i < 5; i++)
        {
            // The next millisecond: within one, the order is open.
            var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
            while (TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() == now) await Task.Yield();
            using var response = await Post($"{pad.Path}/commands", Lock, withKeys ? Key() : null);
            uuids.Add((string)(await AdminServer.Body(response, 202))["commandUuid"]!);
        }

        Assert.Equal(uuids.Order(StringComparer.Ordinal), uuids);
        Assert.All(uuids, uuid => Assert.Equal(7, Guid.Parse(uuid).Version));
        Assert.Equal(5, (await Commands(pad)).Count);
    }

    [Fact]
    public async Task The_same_key_with_another_request_is_refused_and_does_nothing()
    {
        var pad = await server.Enrol();
        var key = Key();
        using var first = await Post($"{pad.Path}/commands", Lock, key);
        await AdminServer.Body(first, 202);

        foreach (var (path, body) in new[]
        {
            ($"{pad.Path}/commands", """{"requestType": "RestartDevice"}"""),
            ($"{pad.Path}/commands?push=false", Lock),
            ($"{(await server.Enrol()).Path}/commands", Lock),
        })
        {
            using var other = await Post(path, body, key);
            await AdminServer.Blames(other, "Idempotency-Key", 422);
        }

        Assert.Single(await Commands(pad));
    }

    [Fact]
    public async Task Keys_of_two_tokens_and_of_two_routes_have_nothing_to_do_with_each_other()
    {
        var key = Key();
        using var other = server.Client((await server.MakeToken("administrator", "second")).Token);
        using var mine = await Post("/api/v1/invitations", "{}", key);
        using var theirs = await Post("/api/v1/invitations", """{"name": "theirs"}""", key, other);
        var (a, b) = (await AdminServer.Body(mine, 201), await AdminServer.Body(theirs, 201));
        Assert.NotEqual((string?)a["id"], (string?)b["id"]);
        using var elsewhere = await Post("/api/v1/tokens", """{"name": "x", "role": "viewer"}""", key);
        await AdminServer.Body(elsewhere, 201);
    }

    [Fact]
    public async Task An_invitation_and_an_operation_are_made_once()
    {
        var pad = await server.Enrol();
        foreach (var (path, body, status) in new[]
        {
            ("/api/v1/invitations", """{"name": "once", "expiresInDays": 3}""", 201),
            ("/api/v1/operations", $$"""{"target": {"ids": ["{{pad.Id}}"]}, "command": {"requestType": "DeviceLock"}, "push": false}""", 202),
        })
        {
            var key = Key();
            using var first = await Post(path, body, key);
            using var second = await Post(path, body, key);
            Assert.Equal((await AdminServer.Body(first, status)).ToJsonString(), (await AdminServer.Body(second, status)).ToJsonString());
        }

        Assert.Single(await Commands(pad));
    }

    [Fact]
    public async Task The_same_request_for_a_token_gives_the_same_token_and_no_answer_with_a_secret_is_stored()
    {
        const string Body = """{"name": "robot", "role": "viewer"}""";
        var key = Key();
        using var first = await Post("/api/v1/tokens", Body, key);
        using var second = await Post("/api/v1/tokens", Body, key);
        var made = await AdminServer.Body(first, 201);
        Assert.Equal(made.ToJsonString(), (await AdminServer.Body(second, 201)).ToJsonString());
        Assert.Equal("true", second.Headers.GetValues("Idempotency-Replayed").Single());
        using var robot = server.Client((string)made["token"]!);
        using var status = await robot.GetAsync("/api/v1/status");
        await AdminServer.Body(status, 200);
    }

    [Fact]
    public async Task A_request_that_was_wrong_is_answered_the_same_again()
    {
        var key = Key();
        using var first = await Post("/api/v1/invitations", """{"maxUses": 0}""", key);
        await AdminServer.Blames(first, "maxUses");
        using var second = await Post("/api/v1/invitations", """{"maxUses": 0}""", key);
        await AdminServer.Blames(second, "maxUses");
        Assert.Equal("true", second.Headers.GetValues("Idempotency-Replayed").Single());
    }

    [Fact]
    public async Task A_request_that_was_wrong_is_corrected_with_the_same_key_and_then_done_once()
    {
        var key = Key();
        using var wrong = await Post("/api/v1/invitations", """{"maxUses": 0}""", key);
        await AdminServer.Blames(wrong, "maxUses");
        using var right = await Post("/api/v1/invitations", """{"maxUses": 1}""", key);
        var made = await AdminServer.Body(right, 201);
        Assert.False(right.Headers.Contains("Idempotency-Replayed"));
        using var again = await Post("/api/v1/invitations", """{"maxUses": 1}""", key);
        Assert.Equal(made.ToJsonString(), (await AdminServer.Body(again, 201)).ToJsonString());
        using var other = await Post("/api/v1/invitations", """{"maxUses": 2}""", key);
        await AdminServer.Blames(other, "Idempotency-Key", 422);
    }

    [Fact]
    public async Task A_full_queue_is_not_remembered_under_the_key()
    {
        var pad = await server.Enrol();
        for (var i = 0; i < 20; i++) await pad.Send();
        var key = Key();
        using var full = await Post($"{pad.Path}/commands", Lock, key);
        await AdminServer.Problem(full, 429);

        var oldest = (string)(await Commands(pad))[^1]!["commandUuid"]!;
        using var cancelled = await server.Admin.DeleteAsync($"{pad.Path}/commands/{oldest}");
        using var again = await Post($"{pad.Path}/commands", Lock, key);
        await AdminServer.Body(again, 202);
    }

    [Theory]
    [InlineData("")]
    [InlineData("with blank")]
    [InlineData("long")]
    public async Task A_key_that_is_none_is_named(string key)
    {
        if (key == "long") key = new string('k', 256);
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/v1/invitations") { Content = AdminServer.Json("{}") };
        request.Headers.TryAddWithoutValidation("Idempotency-Key", key);
        using var response = await server.Admin.SendAsync(request);
        await AdminServer.Blames(response, "Idempotency-Key");
    }

    [Fact]
    public async Task The_longest_key_is_taken()
    {
        using var response = await Post("/api/v1/invitations", "{}", new string('~', 255));
        await AdminServer.Body(response, 201);
    }

    private async Task<JsonArray> Commands(TestPad pad)
    {
        using var response = await server.Admin.GetAsync($"{pad.Path}/commands");
        return (await AdminServer.Body(response, 200))["items"]!.AsArray();
    }

    private async Task<HttpResponseMessage> Post(string path, string body, string? key, HttpClient? client = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = AdminServer.Json(body) };
        if (key is not null) request.Headers.Add("Idempotency-Key", key);
        return await (client ?? server.Admin).SendAsync(request);
    }

    private static string Key() => Guid.NewGuid().ToString();
}
