using System.Text.Json.Nodes;

namespace FleetMdm.Api.Tests.Admin;

/// <summary>A server with one thing of each kind in a school of ours, one in a school of others, and an iPad of no school.</summary>
public sealed class TwoSchools : IAsyncLifetime
{
    /// <summary>Stands in all names of the other school, and of nothing else.</summary>
    public const string ForeignMark = "Zzfremd";

    public AdminServer Server { get; } = new();

    public SchoolThings Own { get; private set; } = null!;

    public SchoolThings Foreign { get; private set; } = null!;

    /// <summary>Of no school: the district's alone.</summary>
    public TestPad Nobodys { get; private set; } = null!;

    /// <summary>In the library.</summary>
    public string Profile { get; private set; } = "";

    /// <summary>In the library: a Wi-Fi that an erased iPad can join.</summary>
    public string Wifi { get; private set; } = "";

    public async ValueTask InitializeAsync()
    {
        await Server.InitializeAsync();
        Wifi = (string)(await Post("profiles", """
            {"profile": {"PayloadDisplayName": "School", "PayloadIdentifier": "example.school", "PayloadContent": [{"PayloadType": "com.apple.wifi.managed", "SSID_STR": "School", "EncryptionType": "WPA2",
              "Password": "pupils-and-more"}]}}
            """))["id"]!;
        Own = await Make("North", "OWN");
        Foreign = await Make(ForeignMark + " school", ForeignMark.ToUpperInvariant());
        Nobodys = await Server.Enrol(ForeignMark.ToUpperInvariant() + "N", ForeignMark + " of nobody");
        Profile = (string)(await Post("profiles", """{"profile": {"PayloadDisplayName": "Wi-Fi", "PayloadIdentifier": "example.wifi", "PayloadContent": [{"PayloadType": "com.apple.webClip.managed", "URL": "https://example.org", "Label": "Home"}]}}"""))["id"]!;
    }

    /// <summary>A token of this role for our school.</summary>
    public Task<HttpClient> Client(string role) => Client(role, Own);

    public async Task<HttpClient> Client(string role, params SchoolThings[] schools)
    {
        var made = await Post("tokens", $$"""{"name": "{{role}}", "role": "{{role}}", "schools": [{{string.Join(", ", schools.Select(school => $"\"{school.School}\""))}}]}""");
        return Server.Client((string)made["token"]!);
    }

    public async Task<JsonObject> Post(string path, string json, HttpClient? client = null)
    {
        using var answer = await (client ?? Server.Admin).PostAsync("/api/v1/" + path, AdminServer.Json(json));
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, $"{path}: {(int)answer.StatusCode} {text}");
        return JsonNode.Parse(text)!.AsObject();
    }

    /// <summary>An iPad of this school, by what is known of it before it enrols.</summary>
    public async Task<TestPad> Enrol(string schoolName, string serial, string name)
    {
        using var put = await Server.Admin.PutAsync($"/api/v1/placeholders/{serial}", AdminServer.Json($$"""{"school": "{{schoolName}}", "name": "{{name}}"}"""));
        await AdminServer.Body(put, 200);
        return await Server.Enrol(serial, name);
    }

    public async Task<SchoolThings> Make(string name, string mark)
    {
        var school = (string)(await Post("schools", $$"""{"name": "{{name}}", "code": "{{mark}}C"}"""))["id"]!;
        var pad = await Enrol(name, mark + "1", $"{name} iPad");
        var person = (string)(await Post("people", $$"""{"role": "teacher", "familyName": "{{name}} Person", "schoolId": "{{school}}"}"""))["id"]!;
        var @class = (string)(await Post("classes", $$"""{"name": "{{name}} 7B", "schoolId": "{{school}}"}"""))["id"]!;
        var group = (string)(await Post("groups", $$"""{"name": "{{name}} group", "schoolId": "{{school}}"}"""))["id"]!;
        await Post($"groups/{group}/members", $$"""{"iPads": ["{{pad.Id}}"]}""");
        var assignment = (string)(await Post("assignments",
            $$"""{"name": "{{name}} assignment", "setting": {"item": "TimeZone", "timeZone": "Europe/Rome"}, "target": "serial:NOBODY", "schoolId": "{{school}}"}"""))["id"]!;
        var exam = (string)(await Post("exams",
            $$"""{"name": "{{name}} exam", "app": {"bundleId": "org.example.exam"}, "iPads": ["{{pad.Id}}"], "startsAt": "{{TimeProvider.System.GetUtcNow().AddDays(1):O}}", "endsAt": "{{TimeProvider.System.GetUtcNow().AddDays(1).AddHours(1):O}}", "schoolId": "{{school}}"}"""))["id"]!;
        var campaign = (string)(await Post("campaigns", $$"""{"name": "{{name}} campaign", "schoolId": "{{school}}"}"""))["id"]!;
        var invitation = await Post("invitations", $$"""{"name": "{{name}} invitation", "school": "{{name}}"}""");
        var incident = (string)(await Post($"devices/{pad.Id}/incidents", $$"""{"kind": "other", "text": "{{name}} incident"}"""))["id"]!;
        var note = (string)(await Post($"devices/{pad.Id}/notes", $$"""{"text": "{{name}} note"}"""))["id"]!;
        using var given = await Server.Admin.PutAsync($"/api/v1/devices/{pad.Id}/holder", AdminServer.Json($$"""{"personId": "{{person}}", "until": "{{TimeProvider.System.GetUtcNow().AddDays(30):yyyy-MM-dd}}"}"""));
        Assert.True(given.IsSuccessStatusCode, await given.Content.ReadAsStringAsync());
        // Overdue by now: counted on the overview.
        await Server.Execute("UPDATE holdings SET due_on = '2020-01-01'");
        var things = new SchoolThings
        {
            School = school,
            Name = name,
            Pad = pad,
            Person = person,
            Class = @class,
            Group = group,
            Assignment = assignment,
            Exam = exam,
            Campaign = campaign,
            Incident = incident,
            Note = note,
            Invitation = (string)invitation["id"]!,
            InvitationNumber = (long)invitation["number"]!,
            Waiting = mark + "W",
            Command = await pad.Send("""{"requestType": "DeviceLock"}"""),
        };
        using var put = await Server.Admin.PutAsync($"/api/v1/placeholders/{things.Waiting}", AdminServer.Json($$"""{"school": "{{name}}", "name": "{{name}} placeholder"}"""));
        await AdminServer.Body(put, 200);
        using var technician = await Client("school-technician", things);
        return things with
        {
            Operation = (string)(await Post("operations", """{"target": {"all": true}, "command": {"requestType": "DeviceInformation"}, "push": false}""", technician))["id"]!,
            // Nobody is erased today.
            Return = (string)(await Post("returns",
                $$$"""{"target": {"all": true}, "wifiProfileId": "{{{Wifi}}}", "pace": {"startAt": "{{{TimeProvider.System.GetUtcNow().AddDays(30):O}}}"}}""", technician))["id"]!,
        };
    }

    public async ValueTask DisposeAsync() => await Server.DisposeAsync();
}

/// <summary>One thing of each kind, of one school.</summary>
public sealed record SchoolThings
{
    public required string School { get; init; }
    public required string Name { get; init; }
    public required TestPad Pad { get; init; }
    public required string Person { get; init; }
    public required string Class { get; init; }
    public required string Group { get; init; }
    public required string Assignment { get; init; }
    public required string Campaign { get; init; }
    public required string Exam { get; init; }
    public required string Incident { get; init; }
    public required string Note { get; init; }
    public required string Invitation { get; init; }
    public required long InvitationNumber { get; init; }
    /// <summary>A serial number that waits.</summary>
    public required string Waiting { get; init; }
    /// <summary>Queued for its iPad.</summary>
    public required string Command { get; init; }
    /// <summary>Started with a token for the school.</summary>
    public string Operation { get; init; } = "";
    /// <summary>The same, with Return to Service.</summary>
    public string Return { get; init; } = "";

    /// <summary>What no answer to others may hold.</summary>
    public IEnumerable<string> Marks => [School, Pad.Id, Person, Class, Group, Incident, Note, Invitation, Operation, Return];
}
