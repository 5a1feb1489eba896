using System.Globalization;
using System.Text.Json.Nodes;
using FleetMdm.VirtualFleet.Administration;

namespace FleetMdm.Silo.Demo;

/// <summary>The district of the demo: three schools with people and a class each, and one iPad on loan. The other schools are names of iPads, as before an import.</summary>
internal static class DemoDistrict
{
    private const int SchoolsWithPeople = 3;

    /// <summary>A loan over a holiday.</summary>
    private const int DaysOfTheLoan = 14;

    /// <summary>Of each school; the family names are of the school.</summary>
    private static readonly (string Role, string GivenName)[] People = [("pupil", "Ali"), ("pupil", "Bo"), ("pupil", "Cia"), ("teacher", "Disa")];

    private static readonly string[] FamilyNames = ["Berg", "Alm", "Dahl"];

    private static readonly string[] Days = ["monday", "tuesday", "wednesday", "thursday", "friday"];

    /// <returns>The id of a pupil.</returns>
    public static async Task<string> CreateAsync(AdminClient admin, CancellationToken cancellation)
    {
        string? first = null;
        for (var number = 0; number < SchoolsWithPeople; number++)
        {
            var (code, name) = DemoFleet.Schools[number];
            var hours = new JsonArray();
            foreach (var day in Days)
                hours.Add(new JsonObject { ["day"] = day, ["from"] = "08:00", ["to"] = "15:30" });
            var school = await MakeAsync("schools", new JsonObject { ["name"] = name, ["code"] = code, ["timeZone"] = "Europe/Stockholm", ["hours"] = hours });
            var @class = await MakeAsync("classes", new JsonObject { ["name"] = "7B", ["schoolId"] = school });
            foreach (var (role, given) in People)
            {
                var family = FamilyNames[number];
                var person = await MakeAsync("people", new JsonObject
                {
                    ["role"] = role,
                    ["givenName"] = given,
                    ["familyName"] = family,
                    ["schoolId"] = school,
                    ["grade"] = role == "pupil" ? "7" : null,
                    ["email"] = $"{given}.{family}@school.example".ToLowerInvariant(),
                });
                await admin.PutAsync($"/api/v1/classes/{@class}/members/{person}", new JsonObject { ["role"] = role }, cancellation);
                first ??= person;
            }
        }

        return first!;

        async Task<string> MakeAsync(string what, JsonObject body) => (await admin.PostAsync("/api/v1/" + what, body, cancellation))["id"]!.GetValue<string>();
    }

    public static Task LendAsync(AdminClient admin, string udid, string person, DateTimeOffset now, CancellationToken cancellation) =>
        admin.PutAsync($"/api/v1/devices/{Uri.EscapeDataString(udid)}/holder", new JsonObject
        {
            ["personId"] = person,
            ["until"] = now.UtcDateTime.AddDays(DaysOfTheLoan).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        }, cancellation);
}
