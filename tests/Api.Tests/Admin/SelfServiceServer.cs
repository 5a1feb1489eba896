using System.Text.Json.Nodes;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>A server on which people do all that they may for themselves, by a provider of OpenID Connect.</summary>
public sealed class SelfServiceServer : IAsyncLifetime
{
    internal TestOpenIdProvider Provider { get; } = new();

    public AdminServer Server { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        await Provider.Start();
        Server = new AdminServer
        {
            Arguments =
            [
                $"--Oidc:Authority={Provider.Issuer}", $"--Oidc:ClientId={TestOpenIdProvider.Client}", $"--Oidc:ClientSecret={TestOpenIdProvider.Secret}",
                "--Oidc:Roles=teachers=teacher,chiefs=administrator", "--Oidc:AccountClaim=upn",
                "--SelfService:Enabled=true", "--SelfService:Enrolment=true", "--SelfService:LostMode=true", "--SelfService:Location=true",
            ],
        };
        await Server.InitializeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        await Provider.DisposeAsync();
    }

    /// <summary>A person of the district.</summary>
    public async Task<string> Person(string name, string role = "pupil", string? email = null, string? account = null, string? school = null, bool active = true)
    {
        var body = new JsonObject { ["role"] = role, ["familyName"] = name, ["email"] = email, ["managedAccount"] = account, ["schoolId"] = school, ["active"] = active };
        using var made = await Server.Admin.PostAsync("/api/v1/people", AdminServer.Json(body.ToJsonString()));
        return (string)(await AdminServer.Body(made, 201))["id"]!;
    }

    /// <summary>An iPad that this person has.</summary>
    public async Task<TestPad> Give(string person, bool supervised = true)
    {
        var pad = await Server.Enrol();
        await pad.Tell(new Grains.Interfaces.DeviceFacts { IsSupervised = supervised });
        await Hand(pad, person);
        return pad;
    }

    public async Task Hand(TestPad pad, string person)
    {
        using var given = await Server.Admin.PutAsync($"{pad.Path}/holder", AdminServer.Json($$"""{"personId": "{{person}}", "returnFirst": true}"""));
        await AdminServer.Body(given, 200);
    }

    public async Task<string> Class(string school, string name, string teacher, params string[] pupils)
    {
        using var made = await Server.Admin.PostAsync("/api/v1/classes", AdminServer.Json($$"""{"name": "{{name}}", "schoolId": "{{school}}"}"""));
        var id = (string)(await AdminServer.Body(made, 201))["id"]!;
        await Member(id, teacher, "teacher");
        foreach (var pupil in pupils) await Member(id, pupil, "pupil");
        return id;
    }

    public async Task Member(string @class, string person, string role)
    {
        using var put = await Server.Admin.PutAsync($"/api/v1/classes/{@class}/members/{person}", AdminServer.Json($$"""{"role": "{{role}}"}"""));
        Assert.True(put.IsSuccessStatusCode, await put.Content.ReadAsStringAsync());
    }

    public async Task<string> School(string name, string? hours = null)
    {
        using var made = await Server.Admin.PostAsync("/api/v1/schools", AdminServer.Json($$"""{"name": "{{name}}"{{(hours is null ? "" : $", \"timeZone\": \"Europe/Stockholm\", \"hours\": {hours}")}}}"""));
        return (string)(await AdminServer.Body(made, 201))["id"]!;
    }

    /// <summary>A browser of somebody with an account.</summary>
    public async Task<HttpClient> Browser(string person, string role = "self-service") =>
        await (await TestAccount.Ready(Server, $"a-{Guid.NewGuid():N}", role, person: person)).OwnBrowser();
}
