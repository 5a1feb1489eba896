using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using FleetMdm.Api.Access;
using FleetMdm.Api.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>Who may do what, for each endpoint and page of the route table. On a server of its own: what is allowed is really sent.</summary>
public sealed partial class RightsTests(AdminServer server) : IClassFixture<AdminServer>
{
    /// <summary>What needs no sign-in, and why.</summary>
    private static readonly Dictionary<string, string> Public = new()
    {
        ["GET /login"] = "One signs in there.",
        ["POST /login"] = "One signs in there.",
        ["POST /login/password"] = "One signs in there.",
        ["POST /login/passkey"] = "One signs in there.",
        ["GET /login/code"] = "One signs in there.",
        ["GET /login/provider"] = "One signs in there.",
        ["GET /login/oidc"] = "One comes back there from the provider.",
        ["POST /login/code"] = "One signs in there.",
        ["GET /set-password/{link}"] = "The link is the secret.",
        ["POST /set-password/{link}"] = "The link is the secret.",
        ["POST /logout"] = "It ends the session of the cookie that it was sent with.",
        ["GET /my/out-of-the-box"] = "An iPad in Setup Assistant proves which one it is. Nothing is shown.",
        ["GET /docs"] = "It holds no secrets, and nothing of the district.",
        ["GET /openapi/{documentName}.json"] = "It holds no secrets, and nothing of the district.",
        ["POST /theme"] = "It changes a cookie of this browser.",
        ["GET /console/style.css"] = "The same for everybody.",
        ["GET /console/console.js"] = "The same for everybody.",
        ["GET /health/live"] = "Yes or no.",
        ["GET /health/ready"] = "Yes or no.",
        ["GET /health/balancer"] = "Yes or no.",
    };

    /// <summary>What iPads call, and people before they enrol one. None of it asks for a token.</summary>
    private static readonly Dictionary<string, string> OfIPads = new()
    {
        ["PUT /mdm"] = "The identity certificate says who it is.",
        ["PUT /mdm/checkin"] = "The identity certificate says who it is.",
        ["PUT /mdm/connect"] = "The identity certificate says who it is.",
        ["GET /scep"] = "The capabilities of SCEP; a request for a certificate holds a challenge.",
        ["POST /scep"] = "A request for a certificate holds a challenge.",
        ["GET /acme/directory"] = "Addresses.",
        ["GET /acme/new-nonce"] = "A nonce proves nothing.",
        ["POST /acme/new-account"] = "An account may nothing by itself.",
        ["POST /acme/new-order"] = "A client identifier of an enrolment profile.",
        ["POST /acme/order/{id}"] = "The key of the account that began the order.",
        ["POST /acme/authorization/{id}"] = "The key of the account that began the order.",
        ["POST /acme/challenge/{id}"] = "The key of the account that began the order.",
        ["POST /acme/finalize/{id}"] = "The key of the account that began the order.",
        ["POST /acme/certificate/{id}"] = "The key of the account that began the order.",
        ["GET /enroll/{invitation}"] = "The link is the secret.",
        ["POST /enroll/{invitation}"] = "The link is the secret.",
        ["POST /enroll/{invitation}/device"] = "The link is the secret; the answer is signed by the iPad.",
        ["POST /mdm/automated/enroll"] = "What the iPad says is signed with the certificate that Apple gave it.",
        ["POST /mdm/apps-and-books/{place}"] = "Apple sends the secret that it was told.",
        ["GET /enroll"] = "It says that a link is needed.",
        ["POST /enroll"] = "It says that a link is needed.",
        ["GET /.well-known/com.apple.remotemanagement"] = "It says that iPads do not enrol like this.",
        ["GET /MDMServiceConfig"] = "Addresses that are public.",
        ["GET /trust"] = "Certificates are public.",
        ["GET /trust/anchors"] = "Certificates are public.",
        ["GET /ca.pem"] = "Certificates are public.",
        ["GET /app/{token}/icon.png"] = "The link is the secret.",
        ["GET /app/{token}/manifest.plist"] = "The link is the secret.",
        ["GET /app/{token}/app.ipa"] = "The link is the secret.",
        ["GET /profile/{token}"] = "Somebody has made it public by this link.",
        ["GET /profile/{token}/download"] = "Somebody has made it public by this link.",
    };

    /// <summary>Changes of the account of whoever asks: each who has one may make them.</summary>
    private static readonly string[] OfOneself =
        ["/account/password", "/account/totp", "/account/totp/remove", "/account/recovery-codes", "/account/passkeys", "/account/passkeys/begin", "/account/passkeys/{passkey}/remove", "/sessions/end", "/sessions/{session}/end"];

    private IReadOnlyList<(string Method, string Route, Endpoint Endpoint)> Table =>
    [
        .. server.Services.GetServices<EndpointDataSource>().SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()
            .SelectMany(endpoint => (endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["GET"])
                .Where(method => method != "HEAD")
                .Select(method => (method, "/" + endpoint.RoutePattern.RawText!.Trim('/'), (Endpoint)endpoint)))
            .Distinct(),
    ];

    private IReadOnlyList<(string Method, string Route, Endpoint Endpoint)> Guarded =>
        [.. Table.Where(route => route.Endpoint.Metadata.GetMetadata<SideMetadata>() != SideMetadata.Device && !IsPublic(route.Method, route.Route))];

    private static bool IsPublic(string method, string route) => Public.ContainsKey($"{method} {route}");

    [Fact]
    public void Each_endpoint_and_page_of_the_admin_side_names_its_right()
    {
        var nameless = Guarded.Where(route => route.Endpoint.Metadata.GetMetadata<NeededRights>() is null && route.Endpoint.Metadata.GetMetadata<ForEverybodySignedIn>() is null)
            .Select(route => $"{route.Method} {route.Route}");
        Assert.Empty(nameless);
        Assert.All(Guarded.SelectMany(route => route.Endpoint.Metadata.GetOrderedMetadata<NeededRights>()).SelectMany(needed => needed.OneOf), right => Assert.True(Rights.IsKnown(right), right));
        Assert.Empty(Public.Keys.Except(Table.Select(route => $"{route.Method} {route.Route}")));
        Assert.Equal(OfIPads.Keys.Order(), Table.Where(route => route.Endpoint.Metadata.GetMetadata<SideMetadata>() == SideMetadata.Device).Select(route => $"{route.Method} {route.Route}").Distinct().Order());
        Assert.InRange(Guarded.Count, 200, 1000);
    }

    [Fact]
    public void What_changes_something_needs_more_than_a_right_to_read()
    {
        var weak = Guarded.Where(route => route.Method != "GET" && !OfOneself.Contains(route.Route))
            .Where(route => !route.Endpoint.Metadata.GetOrderedMetadata<NeededRights>()
                .Any(needed => needed.OneOf.All(right => !Rights.OnlyReads(right) || right is Rights.SecretRead or Rights.LocationRead)))
            .Select(route => $"{route.Method} {route.Route}");
        Assert.Empty(weak);
    }

    [Fact]
    public void Each_right_is_needed_somewhere_and_each_role_can_be_made_by_hand()
    {
        var needed = Guarded.SelectMany(route => route.Endpoint.Metadata.GetOrderedMetadata<NeededRights>()).SelectMany(one => one.OneOf).ToHashSet();
        Assert.Equal([], Rights.All.Select(right => right.Name).Except(needed));
        foreach (var role in Roles.BuiltIn)
            Assert.All(role.Rights, right => Assert.True(Rights.Of(right).With is not { } other || role.Rights.Contains(other), $"{role.Name}: {right}"));
    }

    public static TheoryData<string> RoleNames => [.. Roles.BuiltIn.Select(role => role.Name)];

    /// <summary>The whole matrix: each endpoint and page is asked by each role.</summary>
    [Theory]
    [MemberData(nameof(RoleNames))]
    public async Task A_role_is_let_in_where_its_rights_say_so_and_nowhere_else(string name)
    {
        var role = Roles.Find(name)!;
        using var client = server.Client((await server.MakeToken(name)).Token);
        List<string> wrong = [];
        foreach (var (method, route, endpoint) in Guarded)
        {
            var missing = endpoint.Metadata.GetOrderedMetadata<NeededRights>().FirstOrDefault(needed => !needed.OneOf.Any(role.Rights.Contains))?.OneOf;
            using var request = new HttpRequestMessage(new HttpMethod(method), Parameter().Replace(route.Replace("{type}", "DeviceLock", StringComparison.Ordinal), "0"));
            using var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            var answer = $"{name}: {method} {route} → {(int)response.StatusCode}";
            // The dashboard of Orleans has answers of its own for what it does not know.
            if (missing is null && response.StatusCode is HttpStatusCode.Forbidden or HttpStatusCode.Unauthorized or HttpStatusCode.InternalServerError
                && !route.StartsWith("/orleans", StringComparison.Ordinal))
                wrong.Add($"{answer}, allowed: {await response.Content.ReadAsStringAsync()}");
            if (missing is null) continue;
            if (response.StatusCode != HttpStatusCode.Forbidden)
            {
                wrong.Add($"{answer}, lacks {string.Join(" or ", missing)}");
                continue;
            }

            var problem = JsonNode.Parse(await response.Content.ReadAsStringAsync())!;
            if ((string?)problem["code"] != "not-allowed" || !missing.SequenceEqual(problem["missingRights"]!.AsArray().Select(right => (string)right!)) ||
                !((string)problem["detail"]!).Contains(Rights.Of(missing[0]).Words, StringComparison.Ordinal))
                wrong.Add($"{answer} {problem.ToJsonString()}");
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public async Task A_browser_that_lacks_a_right_is_told_which_on_a_page()
    {
        using var client = server.Client((await server.MakeToken("helpdesk")).Token);
        client.DefaultRequestHeaders.Add("Accept", "text/html");
        using var page = await client.GetAsync("/invitations");
        Assert.Equal(HttpStatusCode.Forbidden, page.StatusCode);
        Assert.Contains("This needs the right invitation.read (see invitations, without their links). Your token has the role Helpdesk, which lacks it.", await page.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task The_document_of_rights_says_what_the_code_says()
    {
        var text = await File.ReadAllTextAsync(Path.Combine(Root(), "docs", "rights.md"));
        Assert.Contains(RightsDocument.Table(), text, StringComparison.Ordinal);
        Assert.Contains(RightsDocument.Commands(), text, StringComparison.Ordinal);
    }

    [GeneratedRegex(@"\{[^}]+\}")]
    private static partial Regex Parameter();

    private static string Root()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "FleetMdm.sln"))) return folder.FullName;
        }

        throw new InvalidOperationException("The test does not run inside the repository.");
    }
}

/// <summary>The tables of docs/rights.md.</summary>
internal static class RightsDocument
{
    public static string Table() => string.Join('\n',
    [
        $"| right | may | for schools | {string.Join(" | ", Roles.BuiltIn.Select(role => role.Name))} |",
        $"| --- | --- | --- |{string.Concat(Roles.BuiltIn.Select(_ => " --- |"))}",
        .. Rights.All.Select(right => $"| `{right.Name}` | {right.Words} | {(right.ForSchools ? "yes" : "–")} | {string.Join(" | ", Roles.BuiltIn.Select(role => role.Rights.Contains(right.Name) ? "yes" : "–"))} |"),
    ]);

    public static string Commands() => string.Join('\n',
    [
        "| right | commands |",
        "| --- | --- |",
        .. Rights.AnyCommand.Select(right => $"| `{right}` | {(right == Rights.CommandSend ? "all others" : string.Join(", ", CommandRights.TypesOf(right).Order(StringComparer.Ordinal)))} |"),
    ]);
}
