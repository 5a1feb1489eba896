using FleetMdm.VirtualFleet.Plist;

namespace FleetMdm.VirtualFleet.Enrolment;

/// <summary>How to get an identity certificate with an attestation. <see href="https://developer.apple.com/documentation/devicemanagement/acmecertificate"/></summary>
public sealed record AcmePayload
{
    public const string PayloadType = "com.apple.security.acme";

    private static readonly string[] Curves = ["192", "256", "384", "521"];

    public required Uri Directory { get; init; }
    public required string ClientIdentifier { get; init; }
    public required int KeySize { get; init; }
    public required bool Attest { get; init; }

    /// <exception cref="EnrolmentException">An iPad would not take it.</exception>
    public static AcmePayload Read(PlistDict payload)
    {
        if (!Uri.TryCreate(payload.Text("DirectoryURL"), UriKind.Absolute, out var directory) || directory.Scheme != Uri.UriSchemeHttps)
            throw new EnrolmentException("The DirectoryURL of the ACME payload must be https.");
        var size = payload.Integer("KeySize") ?? throw new EnrolmentException("The ACME payload has no KeySize.");
        var bound = payload.Flag("HardwareBound") ?? throw new EnrolmentException("The ACME payload has no HardwareBound.");
        if (payload.Text("KeyType") != "ECSECPrimeRandom" || !Curves.Contains(size.ToString(System.Globalization.CultureInfo.InvariantCulture)))
            throw new EnrolmentException("This iPad makes EC keys for ACME.");
        if (bound && size is not (256 or 384))
            throw new EnrolmentException("The Secure Enclave makes keys of 256 and 384 bits.");
        var attest = payload.Flag("Attest") ?? false;
        if (attest && !bound)
            throw new EnrolmentException("Only a key that is bound to the hardware can be attested.");
        if (payload.Array("Subject") is not { Count: > 0 })
            throw new EnrolmentException("The ACME payload has no Subject.");
        return new AcmePayload
        {
            Directory = directory,
            ClientIdentifier = payload.Text("ClientIdentifier") is { Length: > 0 } identifier ? identifier : throw new EnrolmentException("The ACME payload has no ClientIdentifier."),
            KeySize = (int)size,
            Attest = attest,
        };
    }
}
