using System.Net;
using System.Text;
using FleetMdm.VirtualFleet.Apns;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>What is still missing until a new iPad is ready by itself.</summary>
public sealed class SetUpTests
{
    private const string Address = "/api/v1/set-up";

    private static async Task<(long Missing, string Steps)> Read(HttpClient client)
    {
        using var answer = await client.GetAsync(Address);
        var list = await AdminServer.Body(answer, 200);
        return ((long)list["missing"]!, string.Join(' ', list["steps"]!.AsArray().Select(step => $"{step!["id"]}:{step["state"]}")));
    }

    private static async Task Post(AdminServer server, string path, string json)
    {
        using var answer = await server.Admin.PostAsync("/api/v1/" + path, AdminServer.Json(json));
        await AdminServer.Body(answer, 201);
    }

    [Fact]
    public async Task Of_a_new_server_each_step_is_said_and_is_done_when_what_it_asks_for_is_there()
    {
        await using var server = new AdminServer();
        await server.InitializeAsync();
        Assert.Equal((6L, "address:done account:toDo push-certificate:toDo schools:toDo automated-enrolment:optional apps-and-books:optional profile:toDo assignment:toDo first-ipad:toDo"), await Read(server.Admin));
        var page = await server.Admin.GetStringAsync("/set-up");
        Assert.Contains("6 steps are missing", page);
        Assert.Contains("href=\"/push-certificate\"", page);
        Assert.Contains("href=\"/set-up\"", await server.Admin.GetStringAsync("/"));

        await TestAccount.Create(server, "ada", "administrator");
        using var apns = new ApnsAuthority(TimeProvider.System);
        using (var minted = apns.MintPushCertificate("com.apple.mgmt.External.11111111-2222-3333-4444-555555555555"))
        using (var put = await server.Admin.PutAsync("/api/v1/push-certificate", new StringContent(minted.ToPem(), Encoding.UTF8, "application/x-pem-file")))
            Assert.True(put.IsSuccessStatusCode);
        await Post(server, "schools", """{"name": "North", "code": "N"}""");
        await Post(server, "profiles", """{"profile": {"PayloadIdentifier": "example.wifi", "PayloadContent": [{"PayloadType": "com.apple.applicationaccess", "allowCamera": false}]} }""");
        await Post(server, "assignments", """{"name": "Zone", "setting": {"item": "TimeZone", "timeZone": "Europe/Stockholm"}, "target": "serial:NOBODY"}""");
        await Post(server, "automated/servers", """{"name": "District"}""");
        await server.Enrol();

        // The first token is still used, and the service has no server token.
        Assert.Equal((2L, "address:done account:look push-certificate:done schools:done automated-enrolment:toDo apps-and-books:optional profile:done assignment:done first-ipad:done"), await Read(server.Admin));
        Assert.Contains("District has no server token", await server.Admin.GetStringAsync("/set-up"));

        // A step is there for those who may see what it is about; and nobody of some schools sees the list.
        var (_, viewer) = await server.MakeToken("viewer");
        using var looks = server.Client(viewer);
        Assert.DoesNotContain("account", (await Read(looks)).Steps);
        using (var page2 = await looks.GetAsync("/set-up")) Assert.Equal(HttpStatusCode.OK, page2.StatusCode);
        using var stranger = server.Client();
        using var refused = await stranger.GetAsync(Address);
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
    }

    [Theory]
    [InlineData("https://localhost", "toDo")]
    [InlineData("https://10.0.0.9", "look")]
    [InlineData("https://mdm.district.example", "done")]
    public async Task An_address_that_iPads_cannot_use_or_keep_is_named(string address, string state)
    {
        await using var server = new AdminServer { Arguments = [$"--Mdm:PublicUrl={address}"] };
        await server.InitializeAsync();
        Assert.StartsWith($"address:{state} ", (await Read(server.Admin)).Steps);
    }
}
