using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using FleetMdm.Api.Access;
using FleetMdm.Api.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>Each endpoint and page of the route table, asked with a token for some schools: by each role, about a thing of its school and about one of another. An endpoint that
/// nobody has opened for such tokens, and that does not stand in the list here, fails.</summary>
public sealed partial class ScopeMatrixTests(TwoSchools schools) : IClassFixture<TwoSchools>
{
    /// <summary>Rights that can be had for schools are enough for these, and a token for schools is not: what they are about is the district's.</summary>
    private static readonly HashSet<string> OfTheDistrict =
    [
        // Lists of the whole fleet, and whole files.
        "GET /api/v1/apps/installed", "GET /api/v1/apps/installed/{identifier}", "GET /apps", "GET /api/v1/shared-serial-numbers",
        "POST /api/v1/placeholder-imports", "POST /placeholders/import",
        // Any iPad of the district may ask.
        "GET /api/v1/return-answer", "GET /operations/returns/answer",
        // Started by nobody: whose rights should they have?
        "POST /api/v1/repeating-operations", "GET /api/v1/repeating-operations", "GET /api/v1/repeating-operations/{id}", "POST /api/v1/repeating-operations/{id}/pause",
        "POST /api/v1/repeating-operations/{id}/go-on", "DELETE /api/v1/repeating-operations/{id}", "GET /operations/repeating", "GET /operations/repeating/{id}",
        "POST /operations/repeating/{id}/pause", "POST /operations/repeating/{id}/go-on", "POST /operations/repeating/{id}/end",
        "POST /api/v1/device-imports", "GET /api/v1/device-imports", "GET /api/v1/device-imports/{id}", "GET /api/v1/device-imports/{id}/devices", "POST /api/v1/device-imports/{id}/apply", "POST /api/v1/device-imports/{id}/undo", "DELETE /api/v1/device-imports/{id}",
        "GET /device-imports", "GET /device-imports/{id}", "POST /device-imports", "POST /device-imports/{id}/apply", "POST /device-imports/{id}/undo", "POST /device-imports/{id}/discard",
        "POST /api/v1/people-imports", "GET /api/v1/people-imports/{id}", "GET /api/v1/people-imports/{id}/people", "POST /api/v1/people-imports/{id}/apply", "DELETE /api/v1/people-imports/{id}",
        "GET /people/import", "GET /people/imports/{id}", "POST /people/import", "POST /people/imports/{id}/apply", "POST /people/imports/{id}/discard",
    ];

    /// <summary>404 also for a thing of one's own: there is nothing of that kind about it.</summary>
    private static readonly HashSet<string> NothingThere =
    [
        "GET /api/v1/devices/{id}/claim", "POST /ipads/{id}/claim/allow", "POST /ipads/{id}/claim/refuse", "GET /api/v1/devices/{id}/activation-lock/code",
        "GET /api/v1/devices/{id}/location", "GET /api/v1/devices/{id}/renewal", "POST /ipads/{id}/lost-mode/location", "POST /ipads/{id}/activation-lock/code",
        "POST /ipads/{id}/renewal", "POST /api/v1/devices/{id}/renewal",
        // Nothing was collected.
        "DELETE /api/v1/campaigns/{id}/devices/{device}/collection", "POST /campaigns/{id}/put-back",
        // The token that asks has no sessions, and no passkeys.
        "POST /sessions/{session}/end", "POST /account/passkeys/{passkey}/remove",
        // A token is no person: it has no iPads, and teaches no classes. With accounts of people: SelfServiceMatrixTests.
        "GET /api/v1/my/devices/{id}", "POST /api/v1/my/devices/{id}/reports", "POST /api/v1/my/devices/{id}/lost-mode", "POST /api/v1/my/devices/{id}/location",
        "PUT /api/v1/my/devices/{id}/return-request", "GET /my/ipads/{id}", "GET /my/ipads/{id}/lost", "POST /my/ipads/{id}/report", "POST /my/ipads/{id}/lost-mode", "POST /my/ipads/{id}/lost-mode/end",
        "POST /my/ipads/{id}/location", "POST /my/ipads/{id}/hand-back", "POST /my/ipads/{id}/keep",
        "GET /api/v1/teach/classes/{id}", "POST /api/v1/teach/classes/{id}/look", "POST /api/v1/teach/classes/{class}/devices/{id}/clear-passcode",
        "GET /teach/{id}", "POST /teach/{id}/look", "POST /teach/{class}/ipads/{id}/clear-passcode",
        "GET /api/v1/teach/classes/{id}/apps", "POST /api/v1/teach/classes/{id}/lock", "POST /api/v1/teach/classes/{id}/release", "POST /api/v1/teach/classes/{id}/attention",
        "POST /api/v1/teach/classes/{class}/devices/{id}/lock", "POST /api/v1/teach/classes/{class}/devices/{id}/release", "GET /teach/{id}/lock", "GET /teach/{class}/ipads/{id}/lock",
        "POST /teach/{id}/lock", "POST /teach/{class}/ipads/{id}/lock", "POST /teach/{id}/release", "POST /teach/{class}/ipads/{id}/release", "POST /teach/{id}/attention",
    ];

    /// <summary>Refused by the endpoint itself to those who may not see secrets.</summary>
    private static readonly HashSet<string> Secret = ["GET /api/v1/invitations/{id}/profile", "GET /invitations/{id}/profile"];

    /// <summary>Not 404: what is asked for is to be made, and cannot be.</summary>
    private static readonly HashSet<string> Taken = ["PUT /api/v1/placeholders/{serialNumber}"];

    /// <summary>What a request must have to come as far as the thing that it names.</summary>
    private static readonly Dictionary<string, string> Bodies = new()
    {
        ["PUT /api/v1/people/{id}"] = """{"role": "pupil", "familyName": "X"}""",
        ["PUT /api/v1/classes/{id}"] = """{"name": "X", "schoolId": "@school"}""",
        ["PUT /api/v1/classes/{id}/members/{personId}"] = """{"role": "pupil"}""",
        ["PUT /api/v1/groups/{id}"] = """{"name": "X", "schoolId": "@school"}""",
        ["POST /api/v1/groups/{id}/members"] = """{"iPads": ["@pad"]}""",
        ["POST /api/v1/groups/{id}/members/remove"] = """{"iPads": ["@pad"]}""",
        ["PUT /api/v1/assignments/{id}"] = """{"name": "X@school", "setting": {"item": "TimeZone", "timeZone": "Europe/Oslo"}, "schoolId": "@school"}""",
        ["PUT /api/v1/exams/{id}"] = """{"name": "X@school", "app": {"bundleId": "org.example.exam"}, "iPads": ["@pad"], "startsAt": "@dayT10:00:00Z", "endsAt": "@dayT11:00:00Z", "schoolId": "@school"}""",
        ["POST /api/v1/teach/classes/{id}/lock"] = """{"bundleId": "org.example.lesson"}""",
        ["POST /api/v1/teach/classes/{class}/devices/{id}/lock"] = """{"bundleId": "org.example.lesson"}""",
        ["POST /api/v1/devices/{id}/shared-ipad/delete-users"] = """{"all": true}""",
        ["POST /api/v1/campaigns/{id}/collect"] = """{"code": "NOBODY"}""",
        ["PUT /api/v1/schools/{id}/classroom"] = """{"on": true}""",
        ["POST /api/v1/exams/{id}/devices"] = """{"iPads": ["@pad"]}""",
        ["POST /api/v1/exams/{id}/release"] = "{}",
        ["POST /api/v1/exams/{id}/prolong"] = """{"endsAt": "@dayT12:00:00Z"}""",
        ["PUT /api/v1/incidents/{id}"] = """{"kind": "other", "closed": true}""",
        ["PUT /api/v1/placeholders/{serialNumber}"] = """{"school": "@name"}""",
        ["POST /api/v1/my/devices/{id}/reports"] = """{"kind": "other"}""",
    };

    private static readonly Dictionary<string, string> Forms = new()
    {
        ["POST /people/{id}/edit"] = "role=pupil&familyName=X&version=1",
        ["POST /classes/{id}/edit"] = "name=X&school=@school&schoolId=@school&version=1",
        ["POST /groups/{id}/edit"] = "name=X&schoolId=@school&version=1",
        ["POST /assignments/{id}/edit"] = "name=X@school&timeZone=Europe/Rome&schoolId=@school&version=1",
        ["POST /exams/{id}/edit"] = "name=X@school&bundleId=org.example.exam&iPads=@pad&starts=@dayT10:00&ends=@dayT11:00&schoolId=@school&version=1",
        ["POST /campaigns/{id}/collect"] = "code=NOBODY",
        ["POST /campaigns/{id}/put-back"] = "device=@pad",
        ["POST /classroom/{id}"] = "on=yes",
        ["POST /exams/{id}/add"] = "iPads=@pad",
        ["POST /exams/{id}/prolong"] = "endsAt=@dayT11:00:00Z&minutes=10",
        ["POST /groups/{id}/add"] = "iPads=@pad",
        ["POST /groups/{id}/remove"] = "iPads=@pad",
        ["POST /people/{person}/ipads"] = "iPad=@serial",
        ["POST /people/{person}/class"] = "class=@class&role=pupil",
    };

    /// <summary>Names no single thing of a school, though its address has a parameter.</summary>
    private static bool IsOfLibrary(string route) =>
        route.Contains("/profiles/{", StringComparison.Ordinal) || route.Contains("/apps/{id}", StringComparison.Ordinal) || route.Contains("/hosted-apps/{", StringComparison.Ordinal)
        || route.Contains("-types/{", StringComparison.Ordinal);

    private IEnumerable<(string Method, string Route, Endpoint Endpoint)> Guarded =>
        from endpoint in schools.Server.Services.GetServices<EndpointDataSource>().SelectMany(source => source.Endpoints).OfType<RouteEndpoint>()
        where endpoint.Metadata.GetMetadata<SideMetadata>() != SideMetadata.Device
        where endpoint.Metadata.GetMetadata<NeededRights>() is not null || endpoint.Metadata.GetMetadata<ForEverybodySignedIn>() is not null
        from method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["GET"]
        where method != "HEAD"
        let route = "/" + endpoint.RoutePattern.RawText!.Trim('/')
        where !route.StartsWith("/orleans", StringComparison.Ordinal)
        select (method, route, (Endpoint)endpoint);

    public static TheoryData<string> RoleNames => [.. Roles.BuiltIn.Select(role => role.Name)];

    [Fact]
    public void Each_endpoint_is_opened_for_schools_or_is_the_districts_and_says_so_here()
    {
        var closed = Guarded.Where(one => RightsOf(one.Endpoint).All(needed => needed.OneOf.Any(right => Rights.Of(right).ForSchools)) && !IsOpened(one.Route, one.Endpoint)).Select(one => $"{one.Method} {one.Route}").ToHashSet();
        Assert.Equal(OfTheDistrict.Order(), closed.Order());
        Assert.Equal([], NothingThere.Concat(Bodies.Keys).Concat(Forms.Keys).Except(Guarded.Select(one => $"{one.Method} {one.Route}")));
    }

    [Theory]
    [MemberData(nameof(RoleNames))]
    public async Task What_is_of_another_school_does_not_exist_and_what_is_of_ones_own_does(string name)
    {
        var role = Roles.Find(name)!;
        var mine = await schools.Make($"School of {name}", $"R{Roles.BuiltIn.Index().First(one => one.Item.Name == name).Index}");
        using var client = await schools.Client(name, mine);
        List<string> wrong = [];
        var queued = await Queued();
        // What takes something away comes last, the smaller things before those that hold them.
        foreach (var (method, route, endpoint) in Guarded.OrderBy(one => TakesAway(one.Method, one.Route)).ThenBy(one => TakesAway(one.Method, one.Route) && one.Route.EndsWith("/delete", StringComparison.Ordinal)))
        {
            var key = $"{method} {route}";
            var missing = RightsOf(endpoint).FirstOrDefault(needed => !needed.OneOf.Any(role.Rights.Contains));
            if (missing is not null)
            {
                using var refused = await Send(client, method, route, schools.Foreign, mine);
                if (refused.StatusCode != HttpStatusCode.Forbidden) wrong.Add($"{key} → {(int)refused.StatusCode}, lacks a right");
                continue;
            }

            if (OfTheDistrict.Contains(key) || RightsOf(endpoint).Any(needed => !needed.OneOf.Any(right => Rights.Of(right).ForSchools)))
            {
                foreach (var school in new[] { mine, schools.Foreign })
                {
                    using var refused = await Send(client, method, route, school, mine);
                    var said = await refused.Content.ReadAsStringAsync();
                    if (refused.StatusCode != HttpStatusCode.Forbidden || !said.Contains("needs-district", StringComparison.Ordinal) || !said.Contains("Your rights are for some schools only", StringComparison.Ordinal))
                        wrong.Add($"{key} → {(int)refused.StatusCode} {said}, is the district's");
                }

                continue;
            }

            var named = route.Contains('{', StringComparison.Ordinal) && !IsOfLibrary(route);
            using (var foreign = await Send(client, method, route, schools.Foreign, mine))
            {
                var said = await foreign.Content.ReadAsStringAsync();
                if (named && foreign.StatusCode != (Taken.Contains(key) ? HttpStatusCode.Conflict : HttpStatusCode.NotFound)) wrong.Add($"{key} of another school → {(int)foreign.StatusCode} {Short(said)}");
                if (Leak(said) is { } leak) wrong.Add($"{key} of another school tells {leak}");
            }

            if (method == "DELETE") continue;
            using var own = await Send(client, method, route, mine, mine);
            // A stream ends when its operation does.
            var text = own.Content.Headers.ContentType?.MediaType == "text/event-stream" ? "" : await own.Content.ReadAsStringAsync();
            if (own.StatusCode == HttpStatusCode.Forbidden && Secret.Contains(key) && !role.Rights.Contains(Rights.SecretRead)) continue;
            if (own.StatusCode is HttpStatusCode.Forbidden or HttpStatusCode.Unauthorized or HttpStatusCode.InternalServerError
                || (own.StatusCode == HttpStatusCode.NotFound && named && !NothingThere.Contains(key)))
                wrong.Add($"{key} of one's own → {(int)own.StatusCode} {Short(text)}");
            if (Leak(text) is { } told) wrong.Add($"{key} of one's own tells {told}");
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        // Nothing of the other school was changed on the way.
        Assert.Contains(TwoSchools.ForeignMark + " school iPad", await schools.Server.Admin.GetStringAsync(schools.Foreign.Pad.Path));
        Assert.Contains("\"cancelledAt\":null", await schools.Server.Admin.GetStringAsync("/api/v1/operations/" + schools.Foreign.Operation));
        Assert.Contains("\"revokedAt\":null", await schools.Server.Admin.GetStringAsync("/api/v1/invitations/" + schools.Foreign.InvitationNumber));
        Assert.Equal(queued, await Queued());
    }

    /// <summary>The commands that wait for the iPad of the other school.</summary>
    private async Task<IReadOnlyList<string?>> Queued() =>
        [.. JsonNode.Parse(await schools.Server.Admin.GetStringAsync(schools.Foreign.Pad.Path))!["queue"]!.AsArray().Select(command => (string?)command!["commandUuid"])];

    private static bool IsOpened(string route, Endpoint endpoint) =>
        endpoint.Metadata.GetMetadata<ForSchools>() is not null || endpoint.Metadata.GetMetadata<ForEverybodySignedIn>() is not null
        || GuardedByAddress.Any(begin => route == begin || route.StartsWith(begin + "/", StringComparison.Ordinal));

    /// <summary>What the guard stands before.</summary>
    private static readonly string[] GuardedByAddress =
        ["/api/v1/devices/{id}", "/ipads/{id}", "/api/v1/operations/{id}", "/operations/{id}", "/api/v1/invitations/{id}", "/invitations/{id}"];

    private static bool TakesAway(string method, string route) =>
        method == "DELETE" || (method == "POST" && route.Split('/')[^1] is "delete" or "remove" or "return" or "revoke" or "cancel");

    private static IReadOnlyList<NeededRights> RightsOf(Endpoint endpoint) => endpoint.Metadata.GetOrderedMetadata<NeededRights>();

    private string? Leak(string said) =>
        said.Contains(TwoSchools.ForeignMark, StringComparison.OrdinalIgnoreCase) ? TwoSchools.ForeignMark + ": " + Around(said, TwoSchools.ForeignMark)
        : schools.Foreign.Marks.Append(schools.Nobodys.Id).FirstOrDefault(mark => said.Contains(mark, StringComparison.OrdinalIgnoreCase)) is { } id ? id + ": " + Around(said, id) : null;

    private static string Around(string said, string mark)
    {
        var at = said.IndexOf(mark, StringComparison.OrdinalIgnoreCase);
        return said[Math.Max(0, at - 80)..Math.Min(said.Length, at + 80)];
    }

    private static string Short(string said) => said.Length > 300 ? said[..300] : said;

    private async Task<HttpResponseMessage> Send(HttpClient client, string method, string route, SchoolThings of, SchoolThings mine)
    {
        var key = $"{method} {route}";
        var path = Parameter().Replace(route, match => Uri.EscapeDataString(Value(route, match.Groups[1].Value, of)));
        var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (Bodies.TryGetValue(key, out var json)) request.Content = AdminServer.Json(Filled(json, of, mine));
        else if (Forms.TryGetValue(key, out var form))
        {
            request.Content = new StringContent(Filled(form, of, mine));
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/x-www-form-urlencoded");
        }
        else if (method == "POST" && !route.StartsWith("/api/", StringComparison.Ordinal))
            request.Content = new FormUrlEncodedContent([]);

        if (method == "PUT") request.Headers.TryAddWithoutValidation("If-Match", "*");
        return await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }

    /// <summary>What else is named in it is one's own.</summary>
    private static string Filled(string text, SchoolThings of, SchoolThings mine) => text
        .Replace("@school", mine.School, StringComparison.Ordinal).Replace("@pad", mine.Pad.Id, StringComparison.Ordinal).Replace("@name", mine.Name, StringComparison.Ordinal)
        .Replace("@day", TimeProvider.System.GetUtcNow().AddDays(30).UtcDateTime.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal)
        .Replace("@serial", mine.Waiting[..^1] + "1", StringComparison.Ordinal).Replace("@class", of.Class, StringComparison.Ordinal);

    private string Value(string route, string name, SchoolThings of) => name switch
    {
        "uuid" => of.Command,
        "note" or "noteId" => of.Note,
        "incident" => of.Incident,
        "person" or "personId" => of.Person,
        "serialNumber" => of.Waiting,
        "type" => "DeviceLock",
        "version" => "1",
        "id" when IsOfLibrary(route) => schools.Profile,
        "id" => Kind(route) switch
        {
            "devices" or "ipads" => of.Pad.Id,
            "operations" when route.Contains("/returns/", StringComparison.Ordinal) => of.Return,
            "operations" => of.Operation,
            "returns" => of.Return,
            "invitations" => of.InvitationNumber.ToString(System.Globalization.CultureInfo.InvariantCulture),
            "schools" or "classroom" => of.School,
            "people" => of.Person,
            "classes" => of.Class,
            "groups" => of.Group,
            "assignments" => of.Assignment,
            "exams" => of.Exam,
            "campaigns" => of.Campaign,
            "incidents" => of.Incident,
            _ => Guid.Empty.ToString(),
        },
        _ => "0",
    };

    private static string Kind(string route) => route.Replace("/api/v1", "", StringComparison.Ordinal).Split('/')[1];

    [GeneratedRegex(@"\{([^}:?]+)[^}]*\}")]
    private static partial Regex Parameter();
}
