using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using FleetMdm.Storage.Audit;

namespace FleetMdm.Grains.Webhooks;

/// <summary>An audit record as webhooks are told it: the same fields as REST has.</summary>
internal static class AuditEvent
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static string DataOf(ChainedRecord chained)
    {
        var record = chained.Record;
        return JsonSerializer.Serialize(new Data(
            chained.Number, record.Id.ToString("D"), record.At, JsonNamingPolicy.CamelCase.ConvertName(record.Actor.Kind.ToString()), record.Actor.Id, record.Actor.Name, record.Actor.Address,
            record.Verb, record.TargetKind, record.TargetId, record.Subject, record.Detail, record.Count, record.Reason, JsonNamingPolicy.CamelCase.ConvertName(record.Result.ToString()), record.Right), Json);
    }

    private sealed record Data(
        long Number, string Id, DateTimeOffset At, string ActorKind, string? ActorId, string? ActorName, string? Address, string Verb, string? TargetKind, string? TargetId, string? Subject,
        string? Detail, long? Count, string? Reason, string Result, string? Right);
}
