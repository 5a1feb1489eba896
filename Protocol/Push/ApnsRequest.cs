using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace FleetMdm.Protocol.Push;

/// <summary>
/// One request to APNs that wakes one iPad: a POST over HTTP/2 on a connection whose client certificate is the push certificate.
/// <see href="https://developer.apple.com/documentation/usernotifications/sending-notification-requests-to-apns"/>
/// </summary>
/// <param name="Path">The path, with the token in hexadecimal.</param>
/// <param name="Topic">Value of the header apns-topic.</param>
/// <param name="Expiration">Value of the header apns-expiration: until when APNs keeps trying.</param>
/// <param name="Body">Exactly <c>{"mdm":"…"}</c>.</param>
public readonly record struct ApnsRequest(string Path, string Topic, string Expiration, ReadOnlyMemory<byte> Body)
{
    public const string TopicHeader = "apns-topic";
    public const string PushTypeHeader = "apns-push-type";
    public const string PriorityHeader = "apns-priority";
    public const string ExpirationHeader = "apns-expiration";

    /// <summary>The push type that makes an iPad contact its management server, and shows nothing.</summary>
    public const string PushType = "mdm";

    /// <summary>Deliver at once; with 5, APNs may wait for a moment that is good for the battery.</summary>
    public const string Priority = "10";

    /// <summary>How long APNs stores a notification at most.</summary>
    public static readonly TimeSpan LongestExpiration = TimeSpan.FromDays(30);

    /// <summary>How large a token may be: Apple warns that the size changes, today it is 32.</summary>
    public const int LongestToken = 256;

    private const string PathBeforeToken = "/3/device/";
    private static readonly JsonEncodedText MdmKey = JsonEncodedText.Encode("mdm");

    /// <summary>The request that wakes an iPad.</summary>
    /// <param name="token">The token of its last TokenUpdate.</param>
    /// <param name="topic">The topic of the push certificate.</param>
    /// <param name="pushMagic">The push magic of its last TokenUpdate: the iPad ignores a push with another.</param>
    /// <param name="expiresAt">Until when APNs keeps trying. Without it APNs would try once, and an iPad that is switched off
    /// would never hear of it.</param>
    /// <exception cref="ArgumentException">The token is empty or longer than <see cref="LongestToken"/> bytes.</exception>
    public static ApnsRequest Mdm(ReadOnlySpan<byte> token, string topic, string pushMagic, DateTimeOffset expiresAt)
    {
        if (token.IsEmpty || token.Length > LongestToken)
            throw new ArgumentException($"A push token has 1 to {LongestToken} bytes, not {token.Length}.", nameof(token));

        var body = new ArrayBufferWriter<byte>(64);
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            json.WriteString(MdmKey, pushMagic);
            json.WriteEndObject();
        }

        return new ApnsRequest(
            string.Concat(PathBeforeToken, Convert.ToHexStringLower(token)),
            topic,
            expiresAt.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture),
            body.WrittenMemory);
    }

    /// <summary>Without the token and the push magic.</summary>
    public override string ToString() => $"ApnsRequest {{ Topic = {Topic}, Expiration = {Expiration} }}";
}
