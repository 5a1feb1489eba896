using System.Text.Json;

namespace FleetMdm.VirtualFleet.Apns;

/// <summary>What APNs delivers to an iPad.</summary>
/// <param name="Topic">The topic that it was sent to.</param>
/// <param name="Payload">The body of the request as it came.</param>
/// <param name="AcceptedAt">When APNs took it.</param>
public sealed record ApnsNotification(string Topic, ReadOnlyMemory<byte> Payload, DateTimeOffset AcceptedAt)
{
    /// <summary>The value of the key mdm, which an iPad compares with the push magic that it gave to its server; null when
    /// the payload is not that of an MDM push.</summary>
    public string? PushMagic
    {
        get
        {
            try
            {
                using var json = JsonDocument.Parse(Payload);
                return json.RootElement.ValueKind == JsonValueKind.Object
                    && json.RootElement.TryGetProperty("mdm", out var magic)
                    && magic.ValueKind == JsonValueKind.String ? magic.GetString() : null;
            }
            catch (JsonException)
            {
                return null;
            }
        }
    }
}
