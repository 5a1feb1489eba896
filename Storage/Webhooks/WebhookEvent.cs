namespace FleetMdm.Storage.Webhooks;

/// <summary>Something that happened to an iPad, for those who want to be told. It is written with what happened, in the same transaction.</summary>
public sealed record WebhookEvent
{
    /// <summary>The same for each who is told, and for each try.</summary>
    public required Guid Id { get; init; }
    public required DateTimeOffset At { get; init; }
    /// <summary>One of <see cref="WebhookKinds"/>.</summary>
    public required string Kind { get; init; }
    public required string DeviceId { get; init; }
    /// <summary>The CommandUUID, where it is about a command.</summary>
    public string? Subject { get; init; }
    /// <summary>A JSON object, as it is told. Without secrets.</summary>
    public required string Data { get; init; }
}

/// <summary>What happens. Programs elsewhere know these names: never rename one.</summary>
public static class WebhookKinds
{
    public const string CommandFinished = "command.finished";
    /// <summary>An iPad has begun to enrol, or to enrol again.</summary>
    public const string DeviceAuthenticated = "device.authenticated";
    public const string DeviceEnrolled = "device.enrolled";
    /// <summary>An enrolled iPad has a new push token.</summary>
    public const string DeviceTokenUpdated = "device.token-updated";
    /// <summary>The management was removed on the iPad.</summary>
    public const string DeviceCheckedOut = "device.checked-out";
    /// <summary>An administrator has removed it.</summary>
    public const string DeviceRemoved = "device.removed";
    public const string DeviceErased = "device.erased";
    /// <summary>Before the verb of an audit record.</summary>
    public const string Audit = "audit.";
    /// <summary>Somebody tries out a webhook.</summary>
    public const string Test = "webhook.test";

    /// <summary>All but those of the audit.</summary>
    public static readonly IReadOnlyList<string> OfDevices =
        [CommandFinished, DeviceAuthenticated, DeviceEnrolled, DeviceTokenUpdated, DeviceCheckedOut, DeviceRemoved, DeviceErased];

    /// <summary>Whether a format has a form for events of this type. What it has none for is never on the way.</summary>
    public static bool Has(WebhookFormat format, string kind) => format != WebhookFormat.MicroMdm
        || kind is CommandFinished or DeviceAuthenticated or DeviceEnrolled or DeviceTokenUpdated or DeviceCheckedOut or Test;

    /// <summary>Whether one of these types, or of what they begin with, is this one.</summary>
    public static bool Wants(IEnumerable<string> wanted, string kind) =>
        wanted.Any(one => one.EndsWith('.') ? kind.StartsWith(one, StringComparison.Ordinal) : one == kind);
}
