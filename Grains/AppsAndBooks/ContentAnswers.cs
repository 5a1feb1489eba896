using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using FleetMdm.Protocol.AppsAndBooks;
using FleetMdm.Storage.AppsAndBooks;

namespace FleetMdm.Grains.AppsAndBooks;

/// <summary>Apple's service does not do what it was asked; the message says it to a person.</summary>
/// <param name="number">Apple's errorNumber; null: it gave none.</param>
/// <param name="refused">Apple said so: nothing was done. False: nobody knows whether it was.</param>
internal sealed class ContentException(ContentProblem problem, string message, int? number = null, TimeSpan? retryAfter = null, bool refused = true, Exception? inner = null) : Exception(message, inner)
{
    public ContentProblem Problem { get; } = problem;

    public int? Number { get; } = number;

    /// <summary>Not before.</summary>
    public TimeSpan? RetryAfter { get; } = retryAfter;

    public bool Refused { get; } = refused;
}

/// <summary>How much Apple takes at a time, and where it says what apps are called.</summary>
internal sealed record ContentLimits(int MaxSerials, Uri? Lookup);

/// <param name="Next">The index of the page that follows; null: it is the last one.</param>
/// <param name="Version">Of the location: it changes with each write.</param>
internal sealed record ContentPage<T>(IReadOnlyList<T> Items, int? Next, string? Version);

/// <param name="Pending">Apple works on it.</param>
/// <param name="Failures">By serial number and app; Apple may name none, though it failed.</param>
internal sealed record ContentStatus(bool Pending, bool Failed, IReadOnlyList<ContentFailure> Failures);

/// <param name="AdamIds">None: all of them.</param>
internal sealed record ContentFailure(int Number, string Message, IReadOnlySet<string> AdamIds, IReadOnlySet<string> Serials);

/// <summary>Reads Apple's answers: every field may be missing, a number may be one that nobody knows.</summary>
internal static class ContentAnswers
{
    private const int LongestSerial = 20;
    private const int LongestNumber = 20;

    /// <summary>Apple's documentation has 1,000. Rather fewer, when it does not say.</summary>
    private const int UsualSerials = 100;

    /// <summary>What an answer that is no success means. An error may come with status 200.</summary>
    public static ContentException? Refusal(int status, JsonObject? json, TimeSpan? retryAfter)
    {
        var number = json is null ? null : Number(json, "errorNumber");
        if (status is >= 200 and < 300 && number is null) return json is null ? new ContentException(ContentProblem.Unexpected, "Apple's answer cannot be read.", refused: false) : null;
        var said = json is null ? null : Text(json, "errorMessage");
        var shown = $"{number?.ToString(CultureInfo.InvariantCulture) ?? $"status {status}"}{(said is null ? "" : $": {Shown(said)}")}";
        return number switch
        {
            9621 => new(ContentProblem.TokenExpired, "Apple says that the content token has ended. Download a new one in Apple School Manager, and upload it here.", number),
            9625 => new(ContentProblem.TokenRevoked, "Apple takes the content token no more, since another one was downloaded. Download a new one in Apple School Manager, and upload it here.", number),
            9601 or 9622 or 9722 => new(ContentProblem.TokenInvalid, "Apple does not know the content token. Download a new one in Apple School Manager, and upload it here.", number),
            9634 or 9637 or 9647 => new(ContentProblem.AccessDenied, $"Apple does not offer the service for this token ({shown}). Look in Apple School Manager whether the location is still there.", number),
            9646 => new(ContentProblem.Throttled, "Apple wants fewer requests for this organisation. They go on after a pause.", number, retryAfter),
            9603 or 9644 or 9729 => new(ContentProblem.Unreachable, $"Apple's service cannot answer now ({shown}). It is asked again by itself.", number, retryAfter, refused: status < 500),
            _ when status == 429 => new(ContentProblem.Throttled, "Apple wants fewer requests for this organisation. They go on after a pause.", number, retryAfter),
            _ when status >= 500 => new(ContentProblem.Unreachable, $"Apple's service cannot answer now ({shown}). It is asked again by itself.", number, retryAfter, refused: false),
            null when status == 401 => new(ContentProblem.TokenInvalid, "Apple does not take the content token. Download a new one in Apple School Manager, and upload it here.", number),
            _ => new(ContentProblem.Unexpected, $"Apple answered {shown}.", number, retryAfter),
        };
    }

    public static ContentLimits Limits(JsonObject json)
    {
        var most = json["limits"] is JsonObject limits ? Number(limits, "maxSerialNumbers") : null;
        var lookup = json["urls"] is JsonObject urls && Text(urls, "contentMetadataLookup") is { } address && Uri.TryCreate(address, UriKind.Absolute, out var uri) && uri.Scheme == Uri.UriSchemeHttps ? uri : null;
        return new ContentLimits(Math.Clamp(most ?? UsualSerials, 1, 1000), lookup);
    }

    public static ContentConfig Config(JsonObject json)
    {
        if (Text(json, "uId") is not { Length: <= 200 } uid) throw new ContentException(ContentProblem.Unexpected, "Apple did not say whose token it is.");
        var info = json["mdmInfo"] as JsonObject;
        return new ContentConfig(
            uid, Text(json, "locationName") ?? uid, Text(json, "countryISO2ACode"), info is null ? null : Text(info, "id"), info is null ? null : Text(info, "name"),
            Text(json, "tokenExpirationDate") is { } ends ? ContentToken.ReadTime(ends) : null);
    }

    public static ContentPage<ContentAsset> Assets(JsonObject json)
    {
        var assets = new List<ContentAsset>();
        foreach (var one in Objects(json, "assets"))
        {
            if (Adam(one) is not { } adam || Text(one, "pricingParam") is not { Length: <= 20 } pricing) continue;
            assets.Add(new ContentAsset
            {
                AdamId = adam,
                Pricing = pricing,
                ProductType = Text(one, "productType") is { Length: <= 40 } type ? type : "App",
                DeviceAssignable = Flag(one, "deviceAssignable"),
                Revocable = Flag(one, "revocable"),
                Total = Count(one, "totalCount"),
                Assigned = Count(one, "assignedCount"),
                Available = Count(one, "availableCount"),
            });
        }

        return new ContentPage<ContentAsset>(assets, Number(json, "nextPageIndex"), Scalar(json, "versionId"));
    }

    public static ContentPage<(string AdamId, string Pricing, string SerialNumber)> Assignments(JsonObject json)
    {
        var found = new List<(string, string, string)>();
        foreach (var one in Objects(json, "assignments"))
        {
            // Those of people are not of iPads.
            if (Adam(one) is { } adam && Text(one, "pricingParam") is { Length: <= 20 } pricing && Serial(Text(one, "serialNumber")) is { } serial) found.Add((adam, pricing, serial));
        }

        return new ContentPage<(string, string, string)>(found, Number(json, "nextPageIndex"), Scalar(json, "versionId"));
    }

    public static ContentStatus Status(JsonObject json)
    {
        var failures = new List<ContentFailure>();
        foreach (var one in Objects(json, "failures"))
        {
            var info = one["errorInfo"] as JsonObject ?? [];
            failures.Add(new ContentFailure(
                Number(one, "errorNumber") ?? 0, Shown(Text(one, "errorMessage") ?? ""),
                Objects(info, "assets").Select(Adam).OfType<string>().ToHashSet(StringComparer.Ordinal),
                (info["serialNumbers"] as JsonArray ?? []).Select(serial => serial is JsonValue value && value.TryGetValue<string>(out var text) ? Serial(text) : null).OfType<string>().ToHashSet(StringComparer.Ordinal)));
        }

        // The documentation says COMPLETE; COMPLETED was seen too.
        var status = Text(json, "eventStatus")?.ToUpperInvariant();
        return new ContentStatus(status is not ("COMPLETE" or "COMPLETED" or "FAILED"), status == "FAILED" || failures.Count > 0, failures);
    }

    public static IReadOnlyList<(string AdamId, string? Name, string? BundleId)> Names(JsonObject json) => json["results"] is not JsonObject results ? []
        : [.. results.Where(one => one.Value is JsonObject).Select(one => (one.Key, Text((JsonObject)one.Value!, "name"), Text((JsonObject)one.Value!, "bundleId")))];

    public static string? Text(JsonObject json, string name) => json[name] is JsonValue value && value.TryGetValue<string>(out var text) && text.Length > 0 ? text : null;

    /// <summary>As it is kept: upper case. Null: no iPad has it.</summary>
    public static string? Serial(string? text) => text?.Trim().ToUpperInvariant() is { Length: > 0 and <= LongestSerial } serial && serial.All(char.IsAsciiLetterOrDigit) ? serial : null;

    private static string? Adam(JsonObject json) => Scalar(json, "adamId") is { Length: > 0 and <= LongestNumber } adam && adam.All(char.IsAsciiDigit) ? adam : null;

    private static string? Scalar(JsonObject json, string name) => json[name] is JsonValue value ? value.GetValueKind() is JsonValueKind.String or JsonValueKind.Number ? value.ToString() : null : null;

    private static IEnumerable<JsonObject> Objects(JsonObject json, string name) => (json[name] as JsonArray ?? []).OfType<JsonObject>();

    private static int? Number(JsonObject json, string name) => json[name] is JsonValue value && value.TryGetValue<int>(out var number) ? number : null;

    private static long Count(JsonObject json, string name) => json[name] is JsonValue value && value.TryGetValue<long>(out var number) ? Math.Max(number, 0) : 0;

    private static bool Flag(JsonObject json, string name) => json[name] is JsonValue value && value.GetValueKind() == JsonValueKind.True;

    private static string Shown(string text)
    {
        var clean = new string([.. text.Where(one => one is >= ' ' and <= '~')]);
        return clean.Length <= 100 ? clean : clean[..100];
    }
}
