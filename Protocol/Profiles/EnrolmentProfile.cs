using System.Security.Cryptography;

namespace FleetMdm.Protocol.Profiles;

/// <summary>What an enrolment profile of this server is made of.</summary>
public sealed record EnrolmentProfileSettings
{
    public required string Organization { get; init; }

    /// <summary>Where iPads reach the server; https, without a path.</summary>
    public required Uri PublicUrl { get; init; }

    /// <summary>Of the push certificate.</summary>
    public required string Topic { get; init; }

    /// <summary>What the iPad is to trust for TLS with this server, DER; one, or two while the server moves from one to the other.</summary>
    public required IReadOnlyList<ReadOnlyMemory<byte>> Roots { get; init; }

    /// <summary>One-time; a secret. With <see cref="AcmeDirectory"/> the client identifier of ACME, otherwise the challenge of SCEP.</summary>
    public required string Challenge { get; init; }

    /// <summary>Where the iPad gets its identity with an attestation; null: it gets it by SCEP.</summary>
    public Uri? AcmeDirectory { get; init; }

    public required bool SignMessage { get; init; }

    /// <summary>What the server may do.</summary>
    public MdmAccessRights AccessRights { get; init; } = MdmAccessRights.All;

    /// <summary>Without the challenge.</summary>
    public override string ToString() => $"EnrolmentProfileSettings {{ PublicUrl = {PublicUrl} }}";
}

/// <summary>The two profiles that this server gives to iPads that are not enrolled yet.</summary>
public static class EnrolmentProfile
{
    /// <summary>Never changed: a renewed enrolment profile replaces the old one only under the same identifier.</summary>
    public const string Identifier = "com.fleetmdm.enrolment";

    public const string StepIdentifier = "com.fleetmdm.enrolment.step";

    public const string TrustIdentifier = "com.fleetmdm.trust";

    private const string IdentityName = "identity";
    private const string IdentityTitle = "Identity of this iPad";

    /// <summary>
    /// Root certificates, the identity (SCEP or ACME) and MDM. The roots come first, so that the server's own certificate is trusted when the iPad
    /// goes for its identity.
    /// </summary>
    public static ConfigurationProfile Build(EnrolmentProfileSettings settings)
    {
        // No two iPads share a subject, so that people can tell their certificates apart in a list.
        var label = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4));
        (string, string)[] subject = [("O", settings.Organization), ("CN", $"iPad {label}")];
        Payload identity = settings.AcmeDirectory is { } directory
            ? new AcmePayload { Name = IdentityName, DisplayName = IdentityTitle, DirectoryUrl = directory, Subject = subject, ClientIdentifier = settings.Challenge }
            : new ScepPayload { Name = IdentityName, DisplayName = IdentityTitle, Url = new Uri(settings.PublicUrl, "/scep"), Subject = subject, Challenge = settings.Challenge };
        var mdm = new MdmPayload
        {
            Name = "mdm",
            DisplayName = $"Management by {settings.Organization}",
            IdentityCertificateUuid = identity.Uuid,
            Topic = settings.Topic,
            ServerUrl = new Uri(settings.PublicUrl, "/mdm/connect"),
            CheckInUrl = new Uri(settings.PublicUrl, "/mdm/checkin"),
            AccessRights = settings.AccessRights,
            SignMessage = settings.SignMessage,
            CheckOutWhenRemoved = true,
            ServerCapabilities = [MdmPayload.PerUserConnections, MdmPayload.BootstrapToken],
        };
        return new ConfigurationProfile
        {
            Identifier = Identifier,
            DisplayName = $"{settings.Organization}: device management",
            Description = $"Puts this iPad under the management of {settings.Organization}.",
            Organization = settings.Organization,
            Payloads = [.. RootPayloads(settings.Organization, settings.Roots), identity, mdm],
        };
    }

    /// <summary>The certificate for the second step of an enrolment over the air, and nothing else: the iPad shows it to the server and is answered with
    /// <see cref="Build"/>.</summary>
    /// <param name="challenge">One-time; a secret.</param>
    public static ConfigurationProfile BuildStep(string organization, Uri publicUrl, string challenge) => new()
    {
        Identifier = StepIdentifier,
        DisplayName = $"{organization}: device management",
        Organization = organization,
        Payloads =
        [
            new ScepPayload
            {
                Name = "step",
                DisplayName = "This iPad, while it enrols",
                Url = new Uri(publicUrl, "/scep"),
                Subject = [("O", organization), ("CN", "iPad")],
                Challenge = challenge,
                KeyUsage = ScepKeyUsage.Signing,
            },
        ],
    };

    /// <summary>The root certificates only: for trusting the server before enrolling, with a web browser for instance.</summary>
    public static ConfigurationProfile BuildTrust(string organization, IReadOnlyList<ReadOnlyMemory<byte>> roots) => new()
    {
        Identifier = TrustIdentifier,
        DisplayName = $"{organization}: trust in the management server",
        Organization = organization,
        Payloads = [.. RootPayloads(organization, roots)],
    };

    private static IEnumerable<Payload> RootPayloads(string organization, IReadOnlyList<ReadOnlyMemory<byte>> roots) => roots.Select((certificate, i) =>
        new RootCertificatePayload
        {
            Name = i == 0 ? "root" : $"root-{i + 1}",
            DisplayName = $"{organization} MDM root",
            Certificate = certificate,
            FileName = i == 0 ? "root.cer" : $"root-{i + 1}.cer",
        });
}
