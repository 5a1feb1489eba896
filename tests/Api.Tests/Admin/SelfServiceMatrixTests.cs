using System.Net;
using System.Text.RegularExpressions;
using FleetMdm.Api.Access;
using FleetMdm.Api.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>Each endpoint and page of the route table, asked with the session of a pupil and of a teacher: about what is theirs, and about what is another's. Whatever is added later is
/// closed to them until it stands in the list here.</summary>
public sealed partial class SelfServiceMatrixTests(SelfServiceServer district) : IClassFixture<SelfServiceServer>
{
    /// <summary>Holds nothing of the district.</summary>
    private static readonly string[] ForEverybody =
    [
        "GET /", "GET /account", "GET /account/password", "POST /account/password", "GET /account/totp", "POST /account/totp", "POST /account/totp/remove",
        "POST /account/recovery-codes", "GET /account/passkeys", "POST /account/passkeys", "POST /account/passkeys/begin", "POST /account/passkeys/{passkey}/remove", "GET /sessions", "POST /sessions/{session}/end", "GET /api/v1/rights",
        "GET /api/v1/command-types", "GET /api/v1/command-types/{name}", "GET /api/v1/payload-types", "GET /api/v1/payload-types/{name}",
    ];

    /// <summary>Refused also for one's own, and why.</summary>
    private static readonly Dictionary<string, HttpStatusCode> NotNow = new()
    {
        ["POST /api/v1/my/devices/{id}/location"] = HttpStatusCode.Conflict,
        ["POST /my/ipads/{id}/location"] = HttpStatusCode.Conflict,
    };

    private IEnumerable<(string Method, string Route, Endpoint Endpoint)> Guarded =>
        from endpoint in district.Server.Services.GetServices<EndpointDataSource>().SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()
        where endpoint.Metadata.GetMetadata<SideMetadata>() != SideMetadata.Device
        where endpoint.Metadata.GetMetadata<NeededRights>() is not null || endpoint.Metadata.GetMetadata<ForEverybodySignedIn>() is not null
        from method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["GET"]
        where method != "HEAD"
        select (method, "/" + endpoint.RoutePattern.RawText!.Trim('/'), (Endpoint)endpoint);

    [Theory]
    [InlineData("self-service")]
    [InlineData("teacher")]
    public async Task People_reach_their_own_page_and_nothing_else(string role)
    {
        var school = await district.School("Matrix of " + role);
        var (me, pupil, other, otherTeacher) = (await district.Person("Me", role == "teacher" ? "teacher" : "pupil"), await district.Person("Pupil"), await district.Person("Zzfremd"), await district.Person("Zzfremd T", "teacher"));
        var (pad, pupilPad, foreignPad) = (await district.Give(me), await district.Give(pupil), await district.Give(other));
        var mine = await district.Class(school, "Mine", role == "teacher" ? me : otherTeacher, pupil);
        var theirs = await district.Class(school, "Zzfremd class", otherTeacher, other);
        await district.Server.Execute("UPDATE devices SET unlock_token = x'00'");
        using var browser = await district.Browser(me, role);
        List<string> wrong = [];
        foreach (var (method, route, endpoint) in Guarded.Where(one => one.Method + one.Route is not "POST/sessions/end"))
        {
            var key = $"{method} {route}";
            var needed = endpoint.Metadata.GetOrderedMetadata<NeededRights>();
            var isOwn = needed.Count > 0 && needed.All(one => one.OneOf is [Rights.SelfUse] || (role == "teacher" && one.OneOf is [Rights.ClassTeach]));
            if (!isOwn)
            {
                var status = await Ask(browser, method, route, pad.Id, mine);
                if (ForEverybody.Contains(key) == (status == HttpStatusCode.Forbidden)) wrong.Add($"{key} → {(int)status}");
                continue;
            }

            if (!route.Contains('{', StringComparison.Ordinal) || route.Contains("/profiles/", StringComparison.Ordinal)) continue;
            var teaches = route.Contains("/teach", StringComparison.Ordinal);
            var foreign = await Ask(browser, method, route, foreignPad.Id, theirs);
            if (foreign != HttpStatusCode.NotFound) wrong.Add($"{key} of another → {(int)foreign}");
            // The second of two looks comes too soon.
            var own = await Ask(browser, method, route, teaches ? pupilPad.Id : pad.Id, mine);
            if (NotNow.TryGetValue(key, out var expected) ? own != expected : (int)own >= 400 && own != HttpStatusCode.TooManyRequests && own != HttpStatusCode.Conflict) wrong.Add($"{key} of one's own → {(int)own}");
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    private static async Task<HttpStatusCode> Ask(HttpClient browser, string method, string route, string pad, string @class)
    {
        var path = Parameter().Replace(route, match => match.Groups[1].Value switch
        {
            "class" => @class,
            "id" when route.Contains("/teach", StringComparison.Ordinal) && !route.Contains("{class}", StringComparison.Ordinal) => @class,
            "id" => pad,
            _ => "0",
        });
        using var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (route.StartsWith("/api/v1/my/", StringComparison.Ordinal) && route.EndsWith("/reports", StringComparison.Ordinal)) request.Content = AdminServer.Json("""{"kind": "other"}""");
        else if (route.StartsWith("/api/", StringComparison.Ordinal) && route.EndsWith("/lock", StringComparison.Ordinal)) request.Content = AdminServer.Json("""{"bundleId": "org.example.none"}""");
        else if (method == "POST" && !route.StartsWith("/api/", StringComparison.Ordinal)) request.Content = new FormUrlEncodedContent([new("kind", "brokenScreen"), new("app", "org.example.none")]);
        using var response = await browser.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        return response.StatusCode;
    }

    [GeneratedRegex(@"\{([^}:?]+)[^}]*\}")]
    private static partial Regex Parameter();
}
