using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Profiles;

/// <summary>A root certificate that the iPad trusts from then on (<c>com.apple.security.root</c>).</summary>
public sealed record RootCertificatePayload : Payload
{
    public override string Type => "com.apple.security.root";

    /// <summary>DER.</summary>
    public required ReadOnlyMemory<byte> Certificate { get; init; }

    /// <summary>Shown beside the certificate.</summary>
    public string? FileName { get; init; }

    protected override void Fill(PlistDictionary payload)
    {
        payload["PayloadContent"] = Certificate.ToArray();
        if (FileName is not null)
            payload["PayloadCertificateFileName"] = FileName;
    }
}
