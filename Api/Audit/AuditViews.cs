using System.Text.Json;
using FleetMdm.Api.Rest;
using FleetMdm.Storage.Audit;

namespace FleetMdm.Api.Audit;

/// <summary>One thing that somebody did.</summary>
public sealed record AuditView
{
    /// <summary>In the order of time.</summary>
    public required string Id { get; init; }
    public required DateTimeOffset At { get; init; }
    /// <summary>account (a person who has signed in), token (a person or program with an API token, or the session begun with one), device, server or stranger.</summary>
    [OneOf("account", "token", "device", "server", "stranger")]
    public required string ActorKind { get; init; }
    /// <summary>The account's id, the token's, or the iPad's.</summary>
    public string? ActorId { get; init; }
    /// <summary>As the account or token was named at that time.</summary>
    public string? ActorName { get; init; }
    /// <summary>Where the request came from.</summary>
    public string? Address { get; init; }
    /// <summary>A thing and what was done to it: command.send, token.revoke.</summary>
    public required string Verb { get; init; }
    /// <summary>device, operation, invitation, token or push-certificate.</summary>
    public string? TargetKind { get; init; }
    /// <summary>The target's id; an invitation's number, since its id lets iPads in.</summary>
    public string? TargetId { get; init; }
    /// <summary>What of the target: the CommandUUID of a command.</summary>
    public string? Subject { get; init; }
    /// <summary>A few words: a request type, a name, why it was refused.</summary>
    public string? Detail { get; init; }
    /// <summary>How many it was done to, or how often it happened; absent: once.</summary>
    public long? Count { get; init; }
    /// <summary>As it was given by the header Audit-Reason.</summary>
    public string? Reason { get; init; }
    /// <summary>done, refused (nothing was changed) or failed (begun, not carried out).</summary>
    [OneOf("done", "refused", "failed")]
    public required string Result { get; init; }

    /// <summary>The right that was needed; absent: none, or the record is of an older version.</summary>
    public string? Right { get; init; }
    /// <summary>Its place in the chain. Only in the tail.</summary>
    public long? Number { get; init; }

    internal static AuditView Of(ChainedRecord chained) => Of(chained.Record) with { Number = chained.Number };

    internal static AuditView Of(AuditRecord record) => new()
    {
        Id = record.Id.ToString("D"),
        At = record.At,
        ActorKind = JsonNamingPolicy.CamelCase.ConvertName(record.Actor.Kind.ToString()),
        ActorId = record.Actor.Id,
        ActorName = record.Actor.Name,
        Address = record.Actor.Address,
        Verb = record.Verb,
        TargetKind = record.TargetKind,
        TargetId = record.TargetId,
        Subject = record.Subject,
        Detail = record.Detail,
        Count = record.Count,
        Reason = record.Reason,
        Right = record.Right,
        Result = JsonNamingPolicy.CamelCase.ConvertName(record.Result.ToString()),
    };

    /// <summary>For people: who it was.</summary>
    internal string Who => ActorName ?? ActorKind switch
    {
        "server" => "the server",
        "device" => "the iPad " + ActorId,
        _ => "unknown",
    };
}
