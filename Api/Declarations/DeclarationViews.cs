using System.Text.Json;

namespace FleetMdm.Api.Declarations;

/// <summary>What an iPad has by declarations, and what it has said of itself.</summary>
public sealed record DeviceDeclarationsView
{
    /// <summary>The DeclarationsToken of what it should have; null: nothing was ever declared to it.</summary>
    public string? Token { get; init; }
    public DateTimeOffset? TokenSince { get; init; }
    /// <summary>It has fetched the list of what it should have.</summary>
    public required bool Fetched { get; init; }
    public DateTimeOffset? FetchedAt { get; init; }
    /// <summary>When it was last sent the command to look at its declarations.</summary>
    public DateTimeOffset? AskedAt { get; init; }
    public string? CommandUuid { get; init; }
    /// <summary>When a status report last said something new.</summary>
    public DateTimeOffset? ReportedAt { get; init; }
    /// <summary>By kind, then by identifier.</summary>
    public required IReadOnlyList<DeclarationView> Items { get; init; }
    /// <summary>What the iPad reports of itself, by Apple's names.</summary>
    public required IReadOnlyList<StatusItemView> StatusItems { get; init; }
    /// <summary>Items that it could not report.</summary>
    public required IReadOnlyList<StatusErrorView> Errors { get; init; }
}

/// <summary>One declaration on an iPad.</summary>
public sealed record DeclarationView
{
    /// <summary>activation, configuration, asset or management.</summary>
    public required string Kind { get; init; }
    public required string Identifier { get; init; }
    /// <summary>Null: the iPad has it and should not.</summary>
    public string? Type { get; init; }
    /// <summary>Of what it should have; null likewise.</summary>
    public string? ServerToken { get; init; }
    /// <summary>The assignment that it is of; null: the server declares it by itself, or nothing does any more.</summary>
    public string? AssignmentId { get; init; }
    /// <summary>waiting, inForce, inactive, failed, older or leaving.</summary>
    public required string State { get; init; }
    /// <summary>A sentence: how it is, and why.</summary>
    public required string Words { get; init; }
    /// <summary>What the iPad says; null: nothing yet.</summary>
    public bool? Active { get; init; }
    /// <summary>valid, invalid or unknown, as the iPad says.</summary>
    public string? Valid { get; init; }
    public required IReadOnlyList<StatusReasonView> Reasons { get; init; }
}

/// <summary>Why something is as it is, as the iPad says.</summary>
/// <param name="Code">Apple's.</param>
/// <param name="Words">A sentence.</param>
public sealed record StatusReasonView(string Code, string Words);

/// <param name="Name">As in device.operating-system.version.</param>
public sealed record StatusItemView(string Name, JsonElement Value)
{
    internal string Shown => Value.ValueKind switch
    {
        JsonValueKind.String => Value.GetString() is { Length: > 0 } text ? text : "–",
        JsonValueKind.True => "yes",
        JsonValueKind.False => "no",
        JsonValueKind.Object => Value.EnumerateObject().Where(one => one.Value.ToString() is not ("" or "[]" or "{}")).Select(one => $"{one.Name}: {one.Value}").ToList() is { Count: > 0 } said
            ? string.Join(", ", said) : "–",
        _ => Value.ToString(),
    };
}

public sealed record StatusErrorView(string Name, IReadOnlyList<StatusReasonView> Reasons);
