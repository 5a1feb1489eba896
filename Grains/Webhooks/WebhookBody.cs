using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Plist;
using FleetMdm.Storage.Devices;
using FleetMdm.Storage.Webhooks;

namespace FleetMdm.Grains.Webhooks;

/// <summary>The body of what is sent. The same event has the same body at each try: it is made of what does not change.</summary>
internal sealed class WebhookBody(IFleetQueries fleet, IDeviceStore store)
{
    private static readonly JsonSerializerOptions Json = new() { DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Null: this format has no such event.</summary>
    public async Task<byte[]?> Of(WebhookFormat format, WebhookDelivery delivery)
    {
        if (format == WebhookFormat.MicroMdm && delivery.Kind != WebhookKinds.Test) return await MicroMdm(delivery);
        return JsonSerializer.SerializeToUtf8Bytes(new JsonObject
        {
            ["type"] = delivery.Kind,
            ["timestamp"] = Time(delivery.At),
            ["data"] = JsonNode.Parse(delivery.Data),
        }, Json);
    }

    private async Task<byte[]?> MicroMdm(WebhookDelivery delivery)
    {
        var data = JsonNode.Parse(delivery.Data)!.AsObject();
        string? Said(string name) => (string?)data[name];
        MicroEvent Event(string topic) => new(topic, delivery.EventId, Time(delivery.At));
        // MicroMDM knows an iPad by one of the two.
        var udid = Said("udid");
        var enrolment = udid is null ? Said("deviceId") : null;
        PlistDictionary Message(string type)
        {
            var message = new PlistDictionary { ["MessageType"] = type };
            foreach (var (key, value) in new[]
            {
                ("UDID", udid), ("EnrollmentID", enrolment), ("Topic", Said("topic")), ("SerialNumber", Said("serialNumber")), ("DeviceName", Said("deviceName")),
                ("ProductName", Said("productName")), ("Model", Said("model")), ("OSVersion", Said("osVersion")), ("BuildVersion", Said("buildVersion")),
            })
            {
                if (value is not null) message[key] = value;
            }

            return message;
        }

        MicroEvent? written;
        switch (delivery.Kind)
        {
            case WebhookKinds.DeviceAuthenticated:
                written = Event("mdm.Authenticate") with { Checkin = new MicroCheckin(udid, enrolment, PlistWriter.ToBytes(Message("Authenticate"))) };
                break;
            case WebhookKinds.DeviceEnrolled or WebhookKinds.DeviceTokenUpdated:
                written = Event("mdm.TokenUpdate") with { Checkin = new MicroCheckin(udid, enrolment, PlistWriter.ToBytes(Message("TokenUpdate"))) };
                break;
            case WebhookKinds.DeviceCheckedOut:
                written = Event("mdm.CheckOut") with { Checkin = new MicroCheckin(udid, enrolment, PlistWriter.ToBytes(Message("CheckOut"))) };
                break;
            case WebhookKinds.CommandFinished when Status(Said("status")) is { } status:
                var uuid = Said("commandUuid")!;
                written = Event("mdm.Connect") with { Acknowledge = new MicroAcknowledge(udid, enrolment, status, uuid, await Answer(delivery, uuid, status, udid)) };
                break;
            default:
                return null;
        }

        return JsonSerializer.SerializeToUtf8Bytes(written, Json);
    }

    /// <summary>The iPad's own answer, byte by byte; without its secrets where it has some; what is known of it where the history keeps none.</summary>
    private async Task<byte[]> Answer(WebhookDelivery delivery, string uuid, string status, string? udid)
    {
        var history = await fleet.FindHistory(delivery.DeviceId!, uuid);
        var answer = history?.Result ?? (history?.ResultHash is { } hash ? await store.LoadBody(hash) : null);
        if (answer is null || Read(answer) is not { } read)
        {
            var known = new PlistDictionary { ["CommandUUID"] = uuid, ["Status"] = status };
            if (udid is not null) known["UDID"] = udid;
            return PlistWriter.ToBytes(known);
        }

        return SecretAnswers.Has(read) ? PlistWriter.ToBytes((PlistDictionary)SecretAnswers.Hide(read)) : answer;
    }

    /// <summary>Null: what it holds cannot be told, so it is not passed on.</summary>
    private static PlistDictionary? Read(byte[] answer)
    {
        try
        {
            return PlistReader.ReadDictionary(answer, PlistLimits.Admin);
        }
        catch (PlistFormatException)
        {
            return null;
        }
    }

    /// <summary>Apple's word; null: the iPad has not said anything.</summary>
    private static string? Status(string? ending) => ending switch
    {
        "acknowledged" => "Acknowledged",
        "error" => "Error",
        "commandFormatError" => "CommandFormatError",
        _ => null,
    };

    private static string Time(DateTimeOffset at) => at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", System.Globalization.CultureInfo.InvariantCulture);

    private sealed record MicroEvent(
        [property: JsonPropertyName("topic")] string Topic, [property: JsonPropertyName("event_id")] string EventId, [property: JsonPropertyName("created_at")] string CreatedAt)
    {
        [JsonPropertyName("acknowledge_event")]
        public MicroAcknowledge? Acknowledge { get; init; }

        [JsonPropertyName("checkin_event")]
        public MicroCheckin? Checkin { get; init; }
    }

    private sealed record MicroAcknowledge(
        [property: JsonPropertyName("udid")] string? Udid, [property: JsonPropertyName("enrollment_id")] string? EnrollmentId, [property: JsonPropertyName("status")] string Status,
        [property: JsonPropertyName("command_uuid")] string CommandUuid, [property: JsonPropertyName("raw_payload")] byte[] RawPayload);

    private sealed record MicroCheckin(
        [property: JsonPropertyName("udid")] string? Udid, [property: JsonPropertyName("enrollment_id")] string? EnrollmentId, [property: JsonPropertyName("raw_payload")] byte[] RawPayload);
}
