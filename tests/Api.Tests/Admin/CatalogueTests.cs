using System.Net;
using System.Net.Http.Headers;

namespace FleetMdm.Api.Tests.Admin;

public sealed class CatalogueTests(AdminServer server)
{
    [Fact]
    public async Task Every_command_is_listed_with_what_is_true_of_it_and_a_schema()
    {
        using var response = await server.Admin.GetAsync("/api/v1/command-types");
        var items = (await AdminServer.Body(response, 200))["items"]!.AsArray();
        Assert.Equal(51, items.Count);
        Assert.All(items, item => Assert.Equal((string?)item!["requestType"], (string?)item["schema"]!["properties"]!["requestType"]!["const"]));

        using var one = await server.Admin.GetAsync("/api/v1/command-types/EraseDevice");
        var erase = await AdminServer.Body(one, 200);
        Assert.Equal(("4.0", "AllowDeviceErase"), ((string?)erase["since"], (string?)erase["accessRight"]));
        Assert.Equal((true, true, false), ((bool)erase["destructive"]!, (bool)erase["onceOnly"]!, (bool)erase["supervised"]!));
        Assert.NotEqual("EraseDevice", (string?)erase["label"]);
        Assert.Equal("boolean", (string?)erase["schema"]!["properties"]!["returnToService"]!["properties"]!["enabled"]!["type"]);
    }

    [Fact]
    public async Task Every_payload_type_is_listed_and_one_answers_with_its_variants()
    {
        using var response = await server.Admin.GetAsync("/api/v1/payload-types");
        Assert.Equal(49, (await AdminServer.Body(response, 200))["items"]!.AsArray().Count);
        using var one = await server.Admin.GetAsync("/api/v1/payload-types/com.apple.extensiblesso");
        Assert.Equal([null, "kerberos"], (await AdminServer.Body(one, 200))["items"]!.AsArray().Select(item => (string?)item!["variant"]));
    }

    [Theory]
    [InlineData("/api/v1/command-types")]
    [InlineData("/api/v1/command-types/DeviceLock")]
    [InlineData("/api/v1/payload-types")]
    [InlineData("/api/v1/payload-types/com.apple.wifi.managed")]
    public async Task What_has_not_changed_is_not_sent_again(string path)
    {
        using var first = await server.Admin.GetAsync(path);
        Assert.Equal(HttpStatusCode.OK, first.StatusCode);
        Assert.Equal("application/json", first.Content.Headers.ContentType?.MediaType);
        Assert.Equal("no-cache, private", first.Headers.CacheControl?.ToString());

        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.IfNoneMatch.Add(new EntityTagHeaderValue(first.Headers.ETag!.Tag));
        using var second = await server.Admin.SendAsync(request);
        Assert.Equal(HttpStatusCode.NotModified, second.StatusCode);
        Assert.Empty(await second.Content.ReadAsByteArrayAsync());
    }

    [Theory]
    [InlineData("/api/v1/command-types/devicelock")]
    [InlineData("/api/v1/command-types/SetFirmwarePassword")]
    [InlineData("/api/v1/payload-types/com.apple.dock")]
    public async Task What_iPads_do_not_have_is_not_found(string path)
    {
        using var response = await server.Admin.GetAsync(path);
        await AdminServer.Problem(response, 404);
    }

    [Fact]
    public async Task A_viewer_may_read_it_and_a_stranger_may_not()
    {
        using var stranger = server.Client();
        using var response = await stranger.GetAsync("/api/v1/command-types");
        Assert.Equal(HttpStatusCode.Unauthorized, response.StatusCode);

        var (_, token) = await server.MakeToken("viewer");
        using var viewer = server.Client(token);
        using var allowed = await viewer.GetAsync("/api/v1/command-types");
        Assert.Equal(HttpStatusCode.OK, allowed.StatusCode);
    }
}
