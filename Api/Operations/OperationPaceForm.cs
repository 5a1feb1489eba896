using System.Globalization;
using System.Text.Json;
using FleetMdm.Api.Console;
using FleetMdm.Api.Rest;

namespace FleetMdm.Api.Operations;

/// <summary>The fields of the console for how an operation begins, as REST would ask for it.</summary>
internal static class OperationPaceForm
{
    public const string Usual = "usual";
    public const string Daily = "daily";

    /// <returns>Null: all are left as they are.</returns>
    public static OperationPaceRequest? Read(Func<string, string?> field, TimeZoneInfo zone)
    {
        var (waves, stop, start, window, limits) =
            (field("pace-waves"), field("pace-stopWhenFailed"), field("pace-startAt"), field("pace-window"), field("pace-schoolLimits") is not null);
        if (waves is null && stop is null && start is null && window is null && !limits) return null;
        return new OperationPaceRequest
        {
            Waves = waves is null ? null : [Json("10"), Json("\"10%\""), Json("\"100%\"")],
            StopWhenFailed = stop is null ? null : Number("pace.stopWhenFailed", stop),
            StartAt = start is null ? null : Start(start, zone),
            Window = window switch
            {
                null => null,
                Daily => new OperationWindowRequest { From = field("pace-window-from"), To = field("pace-window-to") },
                _ => new OperationWindowRequest { When = window },
            },
            SchoolLimits = limits,
        };
    }

    /// <summary>What was typed, and what is wrong with it. In forms a name with a dot is a field of a command.</summary>
    public static FormState State(ApiProblem? problem, Func<string, string?>? typed) => problem is null ? FormState.Fresh : FormState.Refused(
        new ApiProblem(problem.Status, problem.Code, problem.Title, problem.Message)
        {
            Errors = (problem.Errors ?? new Dictionary<string, string[]>()).ToDictionary(error => error.Key.Replace('.', '-'), error => error.Value),
        }, typed);

    /// <summary>As the page between the form and the start carries it.</summary>
    /// <exception cref="JsonException">It was not written here.</exception>
    public static OperationPaceRequest? Read(string? json) => json is null ? null : JsonSerializer.Deserialize(json, AdminJson.Default.OperationPaceRequest);

    public static string? Write(OperationPaceRequest? pace) => pace is null ? null : JsonSerializer.Serialize(pace, AdminJson.Default.OperationPaceRequest);

    private static int Number(string field, string typed) => int.TryParse(typed.Trim().TrimEnd('%').TrimEnd(), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        ? number
        : throw ApiProblem.Field(field, "Enter a whole number from 1 to 100, or leave it empty.");

    private static DateTimeOffset Start(string typed, TimeZoneInfo zone) =>
        DateTime.TryParseExact(typed.Trim(), ["yyyy-MM-dd'T'HH:mm", "yyyy-MM-dd'T'HH:mm:ss", "yyyy-MM-dd HH:mm"], CultureInfo.InvariantCulture, DateTimeStyles.None, out var wall)
        && !zone.IsInvalidTime(wall)
            ? new DateTimeOffset(wall, zone.GetUtcOffset(wall))
            : throw ApiProblem.Field("pace.startAt", "Enter a day and a time that exist, as in 2026-09-01 16:00.");

    private static JsonElement Json(string text)
    {
        using var document = JsonDocument.Parse(text);
        return document.RootElement.Clone();
    }
}
