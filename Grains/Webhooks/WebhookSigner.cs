using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using FleetMdm.Storage.Secrets;
using FleetMdm.Storage.Webhooks;

namespace FleetMdm.Grains.Webhooks;

/// <summary>Signs what is sent: as Standard Webhooks has it, and by a plain HMAC of the body.</summary>
internal sealed class WebhookSigner(SecretSealer sealer)
{
    public const string IdHeader = "webhook-id", TimestampHeader = "webhook-timestamp", SignatureHeader = "webhook-signature", HmacHeader = "X-Hmac-Signature";

    private const string Prefix = "whsec_";

    public IEnumerable<(string Name, string Value)> Headers(Webhook webhook, string id, DateTimeOffset now, byte[] body)
    {
        var timestamp = now.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        byte[] content = [.. Encoding.UTF8.GetBytes($"{id}.{timestamp}."), .. body];
        var secret = Open(webhook, webhook.Secret);
        var signatures = new List<string> { Sign(secret, content) };
        // The receiver may still have the one before.
        if (webhook.OldSecret is { } old && webhook.OldSecretUntil > now) signatures.Add(Sign(Open(webhook, old), content));
        return
        [
            (IdHeader, id), (TimestampHeader, timestamp), (SignatureHeader, string.Join(' ', signatures)),
            (HmacHeader, Convert.ToBase64String(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), body))),
        ];
    }

    private static string Sign(string secret, byte[] content) => "v1," + Convert.ToBase64String(HMACSHA256.HashData(Convert.FromBase64String(secret[Prefix.Length..]), content));

    private string Open(Webhook webhook, byte[] sealedSecret) => Encoding.UTF8.GetString(sealer.Open(Webhook.SecretPurpose(webhook.Id), sealedSecret));
}
