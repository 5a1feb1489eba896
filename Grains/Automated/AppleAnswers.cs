using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using FleetMdm.Storage.Automated;

namespace FleetMdm.Grains.Automated;

/// <summary>Apple's service does not do what it was asked; the message says it to a person.</summary>
internal sealed class AppleServiceException(AutomatedProblem problem, string message, string? word = null, TimeSpan? retryAfter = null, Exception? inner = null, int? status = null) : Exception(message, inner)
{
    public AutomatedProblem Problem { get; } = problem;

    /// <summary>Apple's.</summary>
    public string? Word { get; } = word;

    /// <summary>Not before.</summary>
    public TimeSpan? RetryAfter { get; } = retryAfter;

    /// <summary>Of HTTP, where nothing else says what it means.</summary>
    public int? Status { get; } = status;
}

/// <summary>What Apple says of the place in its list.</summary>
internal enum CursorFault
{
    /// <summary>All was fetched: go on with what is new.</summary>
    Exhausted,
    /// <summary>Fetch all anew.</summary>
    Useless,
}

internal sealed class AppleCursorException(CursorFault fault) : Exception($"Apple says of the cursor: {fault}.")
{
    public CursorFault Fault { get; } = fault;
}

/// <param name="More">More follows.</param>
internal sealed record ApplePage(IReadOnlyList<AppleDevice> Devices, string? Cursor, bool More);

/// <summary>What became of an assignment.</summary>
/// <param name="Results">Apple's words, by serial number.</param>
/// <param name="RetryAfter">For those that are throttled.</param>
internal sealed record AppleAssignment(IReadOnlyDictionary<string, string> Results, TimeSpan? RetryAfter);

/// <summary>Reads Apple's answers: every field may be missing, a word may be one that nobody knows.</summary>
internal static class AppleAnswers
{
    private const int LongestSerial = 20;

    /// <summary>What an answer that is no success means.</summary>
    /// <param name="session">It was asked for a session.</param>
    public static Exception Refusal(int status, string body, TimeSpan? retryAfter, bool session)
    {
        bool Says(string word) => body.Contains(word, StringComparison.OrdinalIgnoreCase);
        var shown = Shown(body);
        if (Says("EXHAUSTED_CURSOR")) return new AppleCursorException(CursorFault.Exhausted);
        if (Says("EXPIRED_CURSOR") || Says("INVALID_CURSOR") || Says("CURSOR_REQUIRED")) return new AppleCursorException(CursorFault.Useless);
        if (Says("T_C_NOT_SIGNED"))
            return new AppleServiceException(AutomatedProblem.TermsNotSigned, "Apple has new terms. Somebody with the role Administrator signs in to Apple School Manager and accepts them; then it goes on by itself.", "T_C_NOT_SIGNED");
        if (Says("timestamp") || Says("nonce_used"))
            return new AppleServiceException(AutomatedProblem.TokenRejected, "Apple does not take this server's time. Set its clock right.", shown);
        if (Says("token_rejected") || Says("token_expired") || Says("signature_invalid") || Says("consumer_key") || (session && status == 401))
            return new AppleServiceException(AutomatedProblem.TokenRejected, "Apple takes the token no more: another one was downloaded since, or the service was deleted in Apple School Manager. Download a new token there, and upload it here.", shown);
        if (Says("ACCESS_DENIED") || status == 403)
            return new AppleServiceException(AutomatedProblem.AccessDenied, $"Apple refuses access{(shown.Length > 0 ? $" ({shown})" : "")}. See in Apple School Manager whether this service is still there.", shown);
        if (status is 429 or >= 500 || status == 401)
            return new AppleServiceException(AutomatedProblem.Unreachable, $"Apple's service cannot answer now ({status.ToString(CultureInfo.InvariantCulture)}). It is asked again by itself.", shown, retryAfter);
        return new AppleServiceException(AutomatedProblem.Unexpected, $"Apple answered {status.ToString(CultureInfo.InvariantCulture)}{(shown.Length > 0 ? $": {shown}" : "")}.", shown, retryAfter, status: status);
    }

    public static AutomatedAccount Account(JsonObject json)
    {
        var most = 0;
        foreach (var url in json["urls"] as JsonArray ?? [])
        {
            if (url is JsonObject one && Text(one, "uri") is { } uri && uri.Contains("devices", StringComparison.OrdinalIgnoreCase) && one["limit"] is JsonObject limit && Number(limit, "maximum") is { } maximum)
                most = most == 0 ? maximum : Math.Min(most, maximum);
        }

        return new AutomatedAccount(Text(json, "server_uuid"), Text(json, "server_name"), Text(json, "org_name"), Text(json, "org_id") ?? Text(json, "org_id_hash"), Math.Clamp(most == 0 ? 100 : most, 1, 1000));
    }

    public static ApplePage Page(JsonObject json, bool fetch)
    {
        var devices = new List<AppleDevice>();
        foreach (var one in json["devices"] as JsonArray ?? [])
        {
            if (one is JsonObject record && Device(record, fetch) is { } device) devices.Add(device);
        }

        return new ApplePage(devices, Text(json, "cursor"), json["more_to_follow"] is JsonValue more && more.GetValueKind() == JsonValueKind.True);
    }

    /// <summary>Null: it names no iPad.</summary>
    public static AppleDevice? Device(JsonObject json, bool fetch)
    {
        var status = Text(json, "profile_status")?.ToLowerInvariant();
        if (Text(json, "serial_number")?.Trim().ToUpperInvariant() is not { Length: > 0 and <= LongestSerial } serial || !serial.All(char.IsAsciiLetterOrDigit)) return null;
        return new AppleDevice
        {
            SerialNumber = serial,
            Operation = fetch ? AutomatedOperation.Listed : Text(json, "op_type")?.ToLowerInvariant() switch
            {
                "added" => AutomatedOperation.Added,
                "deleted" => AutomatedOperation.Deleted,
                _ => AutomatedOperation.Modified,
            },
            OperationAt = Time(json, "op_date"),
            Model = Text(json, "model"),
            Description = Text(json, "description"),
            Color = Text(json, "color"),
            AssetTag = Text(json, "asset_tag"),
            Family = Text(json, "device_family"),
            Os = Text(json, "os"),
            // Apple goes on naming a profile that was taken from the iPad.
            ProfileUuid = status == "removed" ? null : Uuid(Text(json, "profile_uuid")),
            ProfileStatus = status,
            ProfileAssignedAt = Time(json, "profile_assign_time"),
            ProfilePushedAt = Time(json, "profile_push_time"),
            AssignedBy = Text(json, "device_assigned_by"),
            AssignedAt = Time(json, "device_assigned_date"),
            MigrationDeadline = Time(json, "mdm_migration_deadline"),
        };
    }

    public static AppleAssignment Assignment(JsonObject json)
    {
        var results = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var (serial, word) in json["devices"] as JsonObject ?? [])
        {
            if (word is JsonValue value && value.TryGetValue<string>(out var text)) results[serial] = text.ToUpperInvariant();
        }

        return new AppleAssignment(results, Number(json, "retry_after_seconds") is > 0 and var seconds ? TimeSpan.FromSeconds(Math.Min(seconds, 7 * 86_400)) : null);
    }

    /// <summary>As it is kept: upper case, no hyphens.</summary>
    public static string? Uuid(string? uuid) => uuid?.Replace("-", "", StringComparison.Ordinal).ToUpperInvariant();

    public static string? Text(JsonObject json, string name) => json[name] is JsonValue value && value.TryGetValue<string>(out var text) && text.Length > 0 ? text : null;

    private static int? Number(JsonObject json, string name) => json[name] is JsonValue value && value.TryGetValue<int>(out var number) ? number : null;

    private static DateTimeOffset? Time(JsonObject json, string name) =>
        Text(json, name) is { } text && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) && at.Year is > 2000 and < 2200 ? at.ToUniversalTime() : null;

    /// <summary>A bare word, sometimes in quotation marks.</summary>
    private static string Shown(string body)
    {
        var text = new string([.. body.Trim().Trim('"').Where(one => one is >= ' ' and <= '~')]);
        return text.Length <= 100 ? text : text[..100];
    }
}
