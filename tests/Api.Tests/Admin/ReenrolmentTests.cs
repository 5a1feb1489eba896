using System.Net;
using System.Security.Cryptography;
using System.Text;
using FleetMdm.Grains.Interfaces;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>"Another device says that it is this iPad": what administrators see of it, and decide.</summary>
public sealed class ReenrolmentTests(AdminServer server)
{
    private static async Task<DeviceRefusal> Claim(TestPad pad, PresentedCertificate certificate) => (await pad.Grain.Authenticate(
        new AuthenticateMessage { Topic = "com.apple.mgmt.test", Udid = pad.Id, SerialNumber = "ANOTHER1", ProductName = "iPad16,3", Address = "192.0.2.7" },
        certificate)).Refusal;

    private static PresentedCertificate NewCertificate() => new(RandomNumberGenerator.GetBytes(32), DateTimeOffset.MaxValue.AddYears(-5000));

    private async Task<string> ClaimIdOf(TestPad pad)
    {
        using var response = await server.Admin.GetAsync(pad.Path + "/claim");
        var claim = await AdminServer.Body(response, 200);
        Assert.Equal(("open", "ANOTHER1", "192.0.2.7"), ((string?)claim["state"], (string?)claim["serialNumber"], (string?)claim["address"]));
        return (string)claim["claimId"]!;
    }

    [Fact]
    public async Task A_claim_is_shown_and_after_Allow_the_other_device_enrols()
    {
        var pad = await server.Enrol();
        var other = NewCertificate();
        Assert.Equal(DeviceRefusal.Claimed, await Claim(pad, other));
        var id = await ClaimIdOf(pad);
        using var list = await server.Admin.GetAsync("/api/v1/claims?limit=1000");
        Assert.Contains((await AdminServer.Body(list, 200))["items"]!.AsArray(), item => (string?)item!["deviceId"] == pad.Id);
        using var status = await server.Admin.GetAsync("/api/v1/status");
        Assert.True((long)(await AdminServer.Body(status, 200))["openClaims"]! > 0);

        using var wrong = await server.Admin.PostAsync(pad.Path + "/claim/allow", AdminServer.Json($$"""{"claimId": "{{Guid.NewGuid()}}"}"""));
        await AdminServer.Problem(wrong, 409);
        using var allowed = await server.Admin.PostAsync(pad.Path + "/claim/allow", AdminServer.Json($$"""{"claimId": "{{id}}"}"""));
        Assert.Equal("allowed", (string?)(await AdminServer.Body(allowed, 200))["state"]);
        using var again = await server.Admin.PostAsync(pad.Path + "/claim/refuse", AdminServer.Json($$"""{"claimId": "{{id}}"}"""));
        await AdminServer.Problem(again, 409);

        Assert.Equal(DeviceRefusal.None, await Claim(pad, other));
        Assert.Equal(DeviceRefusal.NotPinned, (await pad.Idle()).Refusal);
    }

    [Fact]
    public async Task Allow_answers_the_claim_that_was_seen_while_others_claim_the_iPad_and_its_record_says_which()
    {
        var pad = await server.Enrol();
        var (other, stranger) = (NewCertificate(), NewCertificate());
        await Claim(pad, other);
        var seen = await ClaimIdOf(pad);
        await Claim(pad, stranger);
        using var allowed = await server.Admin.PostAsync(pad.Path + "/claim/allow", AdminServer.Json($$"""{"claimId": "{{seen}}"}"""));
        Assert.Equal("allowed", (string?)(await AdminServer.Body(allowed, 200))["state"]);
        await Claim(pad, NewCertificate());

        Assert.Equal(DeviceRefusal.Claimed, await Claim(pad, stranger));
        Assert.Equal(DeviceRefusal.None, await Claim(pad, other));
        using var audit = await server.Admin.GetAsync($"/api/v1/audit?target={pad.Id}&verb=reenrolment.allow");
        var record = Assert.Single((await AdminServer.Body(audit, 200))["items"]!.AsArray());
        Assert.Equal($"ANOTHER1, certificate {Convert.ToHexStringLower(other.Sha256.AsSpan(0, 8))}…", (string?)record!["detail"]);
    }

    [Fact]
    public async Task The_page_of_the_iPad_and_the_overview_say_so_and_Refuse_ends_it()
    {
        var pad = await server.Enrol();
        var other = NewCertificate();
        await Claim(pad, other);

        Assert.Contains("another device says that it is this iPad", await server.Admin.GetStringAsync("/"));
        Assert.Contains(pad.Id, await server.Admin.GetStringAsync("/claims"));
        var page = await server.Admin.GetStringAsync("/ipads/" + pad.Id);
        Assert.Contains("Another device says that it is", page);
        Assert.Contains("ANOTHER1", page);

        using var refused = await Post($"/ipads/{pad.Id}/claim/refuse", "claim=" + await ClaimIdOf(pad));
        Assert.Equal(HttpStatusCode.SeeOther, refused.StatusCode);
        Assert.DoesNotContain("Another device says that it is", await server.Admin.GetStringAsync(refused.Headers.Location));
        Assert.Equal(DeviceRefusal.Superseded, await Claim(pad, other));
        Assert.Equal(DeviceRefusal.None, (await pad.Idle()).Refusal);
    }

    [Fact]
    public async Task An_iPad_without_a_claim_has_none_and_a_viewer_decides_nothing()
    {
        var pad = await server.Enrol();
        using var none = await server.Admin.GetAsync(pad.Path + "/claim");
        await AdminServer.Problem(none, 404);

        await Claim(pad, NewCertificate());
        var id = await ClaimIdOf(pad);
        var (_, token) = await server.MakeToken("Viewer");
        using var viewer = server.Client(token);
        foreach (var path in new[] { pad.Path + "/claim/allow", pad.Path + "/claim/refuse", pad.Path + "/reenrolment", "/api/v1/reenrolment" })
        {
            using var response = await viewer.PostAsync(path, AdminServer.Json($$"""{"claimId": "{{id}}"}"""));
            await AdminServer.Problem(response, 403);
        }

        Assert.Equal("open", (string?)(await AdminServer.Body(await viewer.GetAsync(pad.Path + "/claim"), 200))["state"]);
    }

    [Fact]
    public async Task An_iPad_that_may_enrol_anew_is_believed_once()
    {
        var pad = await server.Enrol();
        using var allowed = await server.Admin.PostAsync(pad.Path + "/reenrolment", AdminServer.Json("""{"hours": 2}"""));
        Assert.Equal(1, (long)(await AdminServer.Body(allowed, 200))["count"]!);
        Assert.NotNull((await AdminServer.Body(await server.Admin.GetAsync(pad.Path), 200))["reenrolmentUntil"]);

        Assert.Equal(DeviceRefusal.None, await Claim(pad, NewCertificate()));
        Assert.Null((await AdminServer.Body(await server.Admin.GetAsync(pad.Path), 200))["reenrolmentUntil"]);
        Assert.Equal(DeviceRefusal.Claimed, await Claim(pad, NewCertificate()));
    }

    [Fact]
    public async Task Many_iPads_may_enrol_anew_by_list_and_by_filter_and_what_was_allowed_can_be_withdrawn()
    {
        var serial = "REENROL" + RandomNumberGenerator.GetHexString(6);
        var pads = new[] { await server.Enrol(serial), await server.Enrol(), await server.Enrol() };
        using var byFilter = await server.Admin.PostAsync("/api/v1/reenrolment", AdminServer.Json($$$"""{"filter": {"serialNumber": "{{{serial}}}"}}"""));
        Assert.Equal(1, (long)(await AdminServer.Body(byFilter, 200))["count"]!);
        using var byList = await server.Admin.PostAsync("/api/v1/reenrolment",
            AdminServer.Json($$"""{"ids": ["{{pads[1].Id.ToLowerInvariant()}}", "{{pads[2].Id}}", "NOBODY"]}"""));
        Assert.Equal(2, (long)(await AdminServer.Body(byList, 200))["count"]!);
        using var withdrawn = await server.Admin.DeleteAsync(pads[2].Path + "/reenrolment");
        Assert.Equal(HttpStatusCode.NoContent, withdrawn.StatusCode);

        Assert.Equal(DeviceRefusal.None, await Claim(pads[0], NewCertificate()));
        Assert.Equal(DeviceRefusal.None, await Claim(pads[1], NewCertificate()));
        Assert.Equal(DeviceRefusal.Claimed, await Claim(pads[2], NewCertificate()));
    }

    [Theory]
    [InlineData("""{}""", "ids")]
    [InlineData("""{"ids": ["A"], "filter": {"q": "b"}}""", "ids")]
    [InlineData("""{"filter": {}}""", "filter")]
    [InlineData("""{"ids": ["A/B"]}""", "ids[0]")]
    [InlineData("""{"ids": ["A"], "hours": 0}""", "hours")]
    [InlineData("""{"ids": ["A"], "hours": 721}""", "hours")]
    public async Task A_permission_for_nobody_in_particular_names_the_field(string body, string field)
    {
        using var response = await server.Admin.PostAsync("/api/v1/reenrolment", AdminServer.Json(body));
        await AdminServer.Blames(response, field);
    }

    [Theory]
    [InlineData("""{"onlyFor": []}""", "onlyFor")]
    [InlineData("""{"onlyFor": ["F9FX K2"]}""", "onlyFor[0]")]
    public async Task An_invitation_for_nobody_names_the_field(string body, string field)
    {
        using var response = await server.Admin.PostAsync("/api/v1/invitations", AdminServer.Json(body));
        await AdminServer.Blames(response, field);
    }

    private async Task<HttpResponseMessage> Post(string path, string form)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = new StringContent(form, Encoding.UTF8, "application/x-www-form-urlencoded"),
        };
        request.Headers.Add("Origin", server.Address.GetLeftPart(UriPartial.Authority));
        return await server.Admin.SendAsync(request);
    }
}
