using System.Net;
using System.Net.Http.Headers;
using FleetMdm.Api.Access;
using FleetMdm.Grains.Interfaces;

namespace FleetMdm.Api.Tests.Admin;

public sealed class TokenTests(AdminServer server)
{
    private const string Path = "/api/v1/tokens";

    [Fact]
    public async Task The_first_token_is_made_once_and_its_file_is_its_owners_alone()
    {
        Assert.Null(await FirstToken.Ensure(server.Grains, server.DataDirectory));
        var file = System.IO.Path.Combine(server.DataDirectory, FirstToken.FileName);
        Assert.Equal(server.Token, (await File.ReadAllTextAsync(file)).Trim());
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file));

        // Nobody makes himself the first one afterwards.
        Assert.False(await server.Grains.GetGrain<IAccessGrain>(IAccessGrain.Key).EnsureFirstToken(ApiToken.Hash(ApiToken.Create())));
    }

    [Fact]
    public async Task A_token_is_shown_once_and_no_list_or_file_holds_it()
    {
        var (id, token) = await server.MakeToken("viewer", "shown once");
        Assert.StartsWith("fleetmdm_", token);
        var list = await server.Admin.GetStringAsync(Path);
        Assert.Contains(id, list);
        Assert.DoesNotContain(token, list);
        Assert.DoesNotContain(Convert.ToBase64String(ApiToken.Hash(token)), list);
        foreach (var file in Directory.EnumerateFiles(server.DataDirectory, "fleetmdm.db*").Where(file => !file.EndsWith(".lock", StringComparison.Ordinal)))
        {
            await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var reader = new StreamReader(stream, System.Text.Encoding.Latin1);
            Assert.DoesNotContain(token, await reader.ReadToEndAsync());
        }
    }

    [Fact]
    public async Task A_viewer_reads_everything_and_changes_nothing()
    {
        var pad = await server.Enrol();
        using var viewer = server.Client((await server.MakeToken("viewer")).Token);
        foreach (var path in new[] { "/api/v1/devices", pad.Path, $"{pad.Path}/commands", "/api/v1/operations", "/api/v1/invitations", "/api/v1/status" })
        {
            using var read = await viewer.GetAsync(path);
            await AdminServer.Body(read, 200);
        }

        foreach (var (method, path) in new[]
        {
            ("POST", "/api/v1/invitations"), ("POST", $"{pad.Path}/commands"), ("POST", $"{pad.Path}/push"), ("DELETE", pad.Path),
            ("POST", "/api/v1/operations"), ("POST", Path), ("DELETE", $"{Path}/{Guid.NewGuid()}"),
        })
        {
            using var request = new HttpRequestMessage(new HttpMethod(method), path) { Content = AdminServer.Json("""{"requestType": "DeviceLock"}""") };
            using var response = await viewer.SendAsync(request);
            Assert.Equal("not-allowed", (string?)(await AdminServer.Problem(response, 403))["code"]);
        }

        using var tokens = await viewer.GetAsync(Path);
        await AdminServer.Problem(tokens, 403);
        using var device = await server.Admin.GetAsync(pad.Path);
        Assert.Empty((await AdminServer.Body(device, 200))["queue"]!.AsArray());
    }

    [Fact]
    public async Task A_revoked_token_is_refused_at_once_on_the_node_that_revoked_it()
    {
        var (id, token) = await server.MakeToken("viewer");
        using var client = server.Client(token);
        using var before = await client.GetAsync("/api/v1/status");
        Assert.Equal(HttpStatusCode.OK, before.StatusCode);

        using var revoked = await server.Admin.DeleteAsync($"{Path}/{id}");
        Assert.Equal(HttpStatusCode.NoContent, revoked.StatusCode);
        using var after = await client.GetAsync("/api/v1/status");
        await AdminServer.Problem(after, 401);
        using var again = await server.Admin.DeleteAsync($"{Path}/{id}");
        Assert.Equal(HttpStatusCode.NoContent, again.StatusCode);
    }

    [Fact]
    public async Task Another_node_believes_in_a_revoked_token_for_less_than_five_seconds()
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(TimeProvider.System.GetUtcNow());
        var otherNode = new TokenVerifier(server.Grains, time);
        var (id, token) = await server.MakeToken("viewer");
        Assert.NotNull(await otherNode.FindBySecret(token));
        using var revoked = await server.Admin.DeleteAsync($"{Path}/{id}");
        time.Advance(TimeSpan.FromSeconds(5));
        Assert.Null(await otherNode.FindBySecret(token));
    }

    [Fact]
    public async Task A_token_ends_when_it_expires()
    {
        var expires = TimeProvider.System.GetUtcNow().AddSeconds(2);
        using var response = await server.Admin.PostAsync(Path, AdminServer.Json(
            $$"""{"name": "short", "role": "viewer", "expiresAt": "{{expires:O}}"}"""));
        using var client = server.Client((string)(await AdminServer.Body(response, 201))["token"]!);
        using var before = await client.GetAsync("/api/v1/status");
        Assert.Equal(HttpStatusCode.OK, before.StatusCode);

        // The node remembers it for longer than it is good.
        while (TimeProvider.System.GetUtcNow() <= expires) await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
        using var after = await client.GetAsync("/api/v1/status");
        await AdminServer.Problem(after, 401);
    }

    [Fact]
    public async Task A_token_is_good_for_ten_years_at_most_and_one_of_a_version_before_that_never_ends_stops_no_other()
    {
        using var refused = await server.Admin.PostAsync(Path, AdminServer.Json("""{"name": "for ever", "role": "viewer", "expiresAt": "9999-12-31T23:59:59Z"}"""));
        await AdminServer.Blames(refused, "expiresAt");

        var access = server.Grains.GetGrain<IAccessGrain>(4714);
        await access.Create(new TokenOrder(Guid.NewGuid().ToString(), ApiToken.Hash("for ever"), "for ever", AccessRole.Viewer, DateTimeOffset.MaxValue, "test"));
        Assert.NotNull(await access.Create(new TokenOrder(Guid.NewGuid().ToString(), ApiToken.Hash("after"), "after", AccessRole.Viewer, null, "test")));
    }

    [Fact]
    public async Task What_an_account_made_ends_with_it_also_where_it_is_the_last_administrators()
    {
        var access = server.Grains.GetGrain<IAccessGrain>(4713);
        await access.EnsureFirstToken(ApiToken.Hash("first"));
        var first = Assert.Single(await access.List()).Id;
        var (account, made) = (Guid.NewGuid().ToString(), Guid.NewGuid().ToString());
        await access.Create(new TokenOrder(made, ApiToken.Hash("made"), "made", AccessRole.Administrator, null, "Anna", account));
        await access.Create(new TokenOrder(Guid.NewGuid().ToString(), ApiToken.Hash("child"), "child", AccessRole.Viewer, null, "made", made));
        await access.Create(new TokenOrder(Guid.NewGuid().ToString(), ApiToken.Hash("other"), "other", AccessRole.Viewer, null, "test"));
        Assert.Equal(TokenRevocation.Revoked, await access.Revoke(first));

        await access.RevokeMadeBy(account);

        Assert.Null(await access.FindBySecret(ApiToken.Hash("made")));
        Assert.Null(await access.FindBySecret(ApiToken.Hash("child")));
        Assert.NotNull(await access.FindBySecret(ApiToken.Hash("other")));
    }

    [Fact]
    public async Task The_last_administrator_cannot_be_revoked()
    {
        // A list of tokens of its own: the server's is used by the other tests.
        var access = server.Grains.GetGrain<IAccessGrain>(4711);
        var secret = ApiToken.Hash(ApiToken.Create());
        Assert.True(await access.EnsureFirstToken(secret));
        Assert.True(await access.EnsureFirstToken(secret));
        var first = Assert.Single(await access.List()).Id;
        await access.Create(new TokenOrder(Guid.NewGuid().ToString(), ApiToken.Hash("a"), "a viewer", AccessRole.Viewer, null, "test"));
        Assert.Equal(TokenRevocation.LastAdministrator, await access.Revoke(first));
        Assert.NotNull(await access.FindBySecret(secret));

        await access.Create(new TokenOrder(Guid.NewGuid().ToString(), ApiToken.Hash("b"), "another", AccessRole.Administrator, null, "test"));
        Assert.Equal(TokenRevocation.Revoked, await access.Revoke(first));
        Assert.Null(await access.FindBySecret(secret));
        Assert.Null(await access.FindById(first));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("Basic YTpi")]
    [InlineData("Bearer")]
    [InlineData("Bearer ")]
    [InlineData("Bearer fleetmdm_")]
    [InlineData("Bearer fleetmdm_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]
    public async Task Without_a_token_that_works_the_answer_is_401_with_the_way_to_send_one(string? header)
    {
        // A client of its own address, so that these failures slow nobody down: the tests share one.
        using var client = server.Client();
        if (header is not null) client.DefaultRequestHeaders.TryAddWithoutValidation("Authorization", header);
        using var response = await client.GetAsync("/api/v1/status");
        await AdminServer.Problem(response, 401);
        Assert.Equal(new AuthenticationHeaderValue("Bearer"), response.Headers.WwwAuthenticate.Single());
    }

    [Fact]
    public async Task Every_path_of_the_API_asks_for_a_token()
    {
        using var client = server.Client();
        var document = System.Text.Json.Nodes.JsonNode.Parse(await client.GetStringAsync("/openapi/v1.json"))!;
        var asked = 0;
        foreach (var (path, operations) in document["paths"]!.AsObject())
        {
            foreach (var (method, _) in operations!.AsObject())
            {
                using var request = new HttpRequestMessage(new HttpMethod(method.ToUpperInvariant()), path.Replace("{id}", "a").Replace("{uuid}", "b"));
                using var response = await client.SendAsync(request);
                Assert.Equal((path, method, HttpStatusCode.Unauthorized), (path, method, response.StatusCode));
                asked++;
            }
        }

        Assert.InRange(asked, 18, 300);
    }

    [Theory]
    [InlineData("{}", null)]
    [InlineData("""{"name": "a"}""", null)]
    [InlineData("""{"name": "a", "role": "root"}""", "role")]
    [InlineData("""{"name": "a", "role": "1"}""", "role")]
    [InlineData("""{"name": " ", "role": "viewer"}""", "name")]
    [InlineData("""{"name": null, "role": "viewer"}""", "name")]
    [InlineData("""{"name": "a", "role": "viewer", "expiresAt": "2020-01-01T00:00:00Z"}""", "expiresAt")]
    public async Task A_wrong_field_of_a_token_is_named(string json, string? field)
    {
        using var response = await server.Admin.PostAsync(Path, AdminServer.Json(json));
        if (field is null) await AdminServer.Problem(response, 400);
        else await AdminServer.Blames(response, field);
    }

    [Fact]
    public void Guessing_is_slowed_down_for_one_address_and_forgiven_after_a_while()
    {
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider();
        var throttle = new GuessingThrottle(time);
        var (guesser, neighbour, other) = (IPAddress.Parse("2001:db8::1"), IPAddress.Parse("2001:db8::2"), IPAddress.Parse("2001:db8:0:1::1"));
        for (var i = 0; i < GuessingThrottle.MostFailures; i++)
        {
            Assert.False(throttle.IsThrottled(guesser));
            throttle.CountFailure(guesser);
        }

        Assert.True(throttle.IsThrottled(guesser));
        Assert.True(throttle.IsThrottled(neighbour));
        Assert.False(throttle.IsThrottled(other));
        time.Advance(GuessingThrottle.Span * 2);
        Assert.False(throttle.IsThrottled(guesser));
    }

    [Fact]
    public async Task Nobody_looks_at_a_token_on_an_iPads_path()
    {
        using var client = server.Client("fleetmdm_wrong");
        for (var i = 0; i <= GuessingThrottle.MostFailures; i++)
        {
            using var content = AdminServer.Json("{}");
            using var answer = await client.PutAsync("/mdm/connect", content);
            Assert.Equal(400, (int)answer.StatusCode);
        }

        // Had they been looked at, this address would have to wait by now: 429.
        using var guess = await client.GetAsync(Path);
        Assert.Equal(401, (int)guess.StatusCode);
    }

    [Fact]
    public void A_hundred_thousand_guessers_cost_bounded_memory_and_slow_down_nobody_else()
    {
        // Other tests allocate at the same time: the least of several looks is the throttle's own.
        var least = long.MaxValue;
        for (var look = 0; look < 10; look++)
        {
            var throttle = new GuessingThrottle(new Microsoft.Extensions.Time.Testing.FakeTimeProvider());
            var before = GC.GetTotalMemory(forceFullCollection: true);
            for (var i = 0; i < 100_000; i++) throttle.CountFailure(new IPAddress(i));
            least = Math.Min(least, GC.GetTotalMemory(forceFullCollection: true) - before);
            Assert.False(throttle.IsThrottled(IPAddress.Loopback));
        }

        Assert.InRange(least, long.MinValue, 4 * 1024 * 1024);
    }
}
