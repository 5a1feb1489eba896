using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Profiles;

/// <summary>What the private key is for; bits of the payload's <c>Key Usage</c>.</summary>
[Flags]
public enum ScepKeyUsage
{
    Signing = 1,
    Encryption = 4,
}

/// <summary>
/// How the iPad gets its identity certificate (<c>com.apple.security.scep</c>). It makes the key itself: always RSA.
/// </summary>
public sealed record ScepPayload : Payload
{
    public override string Type => "com.apple.security.scep";

    public required Uri Url { get; init; }

    /// <summary>Names the CA where a server has several.</summary>
    public string? CaName { get; init; }

    /// <summary>Attribute (a short name such as CN, or an object identifier) and value, in order.</summary>
    public required IReadOnlyList<(string Attribute, string Value)> Subject { get; init; }

    /// <summary>A secret: it lets its bearer enrol.</summary>
    public string? Challenge { get; init; }

    /// <summary>2048 or 4096; Apple's own default of 1024 is too short for our CA.</summary>
    public int KeySize { get; init; } = 2048;

    public ScepKeyUsage KeyUsage { get; init; } = ScepKeyUsage.Signing | ScepKeyUsage.Encryption;

    /// <summary>How often the iPad asks again after an answer "pending".</summary>
    public int? Retries { get; init; }

    /// <summary>Seconds between them.</summary>
    public int? RetryDelay { get; init; }

    protected override void Fill(PlistDictionary payload)
    {
        var content = new PlistDictionary
        {
            ["URL"] = Url.AbsoluteUri,
            ["Subject"] = new PlistArray(Subject.Select(part =>
                new PlistArray([PlistArray.OfStrings([part.Attribute, part.Value])]))),
            ["Key Type"] = "RSA",
            ["Keysize"] = KeySize,
            ["Key Usage"] = (int)KeyUsage,
        };
        if (CaName is not null)
            content["Name"] = CaName;
        if (Challenge is not null)
            content["Challenge"] = Challenge;
        if (Retries is { } retries)
            content["Retries"] = retries;
        if (RetryDelay is { } delay)
            content["RetryDelay"] = delay;
        payload["PayloadContent"] = content;
    }

    /// <summary>Without the challenge.</summary>
    public override string ToString() => $"ScepPayload {{ Url = {Url} }}";
}
