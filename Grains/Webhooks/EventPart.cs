using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Webhooks;

namespace FleetMdm.Grains.Webhooks;

/// <summary>What of an iPad is told to webhooks: pure functions of what changes. Nothing of it is a secret: no tokens, no push magic, no answers.</summary>
internal static class EventPart
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>What a change of an enrolment is; null: nothing that is told.</summary>
    public static string? KindOf(DeviceRow? before, DeviceRow after)
    {
        if (after.Id != after.DeviceId) return null;
        if (after.Status != before?.Status)
        {
            return after.Status switch
            {
                EnrolmentStatus.Authenticated => WebhookKinds.DeviceAuthenticated,
                EnrolmentStatus.Enrolled => WebhookKinds.DeviceEnrolled,
                EnrolmentStatus.Unenrolled => WebhookKinds.DeviceCheckedOut,
                EnrolmentStatus.Removed => WebhookKinds.DeviceRemoved,
                EnrolmentStatus.Erased => WebhookKinds.DeviceErased,
                _ => null,
            };
        }

        // It begins anew before it has ended its enrolment.
        if (after.Status == EnrolmentStatus.Authenticated && after.AuthenticatedAt != before.AuthenticatedAt) return WebhookKinds.DeviceAuthenticated;
        return after.Status == EnrolmentStatus.Enrolled && after.TokenUpdatedAt != before.TokenUpdatedAt ? WebhookKinds.DeviceTokenUpdated : null;
    }

    public static WebhookEvent Of(string kind, DeviceRow? before, DeviceRow after, DateTimeOffset at) => new()
    {
        Id = Guid.CreateVersion7(at),
        At = at,
        Kind = kind,
        DeviceId = after.Id,
        Data = JsonSerializer.Serialize(
            new DeviceData(after.Id, after.Udid, after.SerialNumber, after.DeviceName, after.ProductName, after.Model, after.OsVersion, after.BuildVersion, after.School, after.Topic,
                // It was known before: it enrols again.
                kind is WebhookKinds.DeviceAuthenticated ? before is not null : null),
            Json),
    };

    public static WebhookEvent Of(DeviceRow? row, string enrolmentId, QueuedRow command, QueueFinish finish) => new()
    {
        Id = Guid.CreateVersion7(finish.FinishedAt),
        At = finish.FinishedAt,
        Kind = WebhookKinds.CommandFinished,
        DeviceId = enrolmentId,
        Subject = command.CommandUuid,
        Data = JsonSerializer.Serialize(
            new CommandData(enrolmentId, row?.Udid, row?.SerialNumber, command.CommandUuid, command.RequestType, JsonNamingPolicy.CamelCase.ConvertName(finish.Ending.ToString()), command.OperationId,
                command.AcceptedAt, finish.SentAt, finish.FinishedAt, command.NotNowCount, finish.ErrorSummary),
            Json),
    };

    private sealed record DeviceData(
        string DeviceId, string? Udid, string? SerialNumber, string? DeviceName, string? ProductName, string? Model, string? OsVersion, string? BuildVersion, string? School, string? Topic, bool? Again);

    private sealed record CommandData(
        string DeviceId, string? Udid, string? SerialNumber, string CommandUuid, string RequestType, string Status, string? OperationId, DateTimeOffset AcceptedAt, DateTimeOffset? SentAt,
        DateTimeOffset FinishedAt, int NotNowCount, string? Error);
}
