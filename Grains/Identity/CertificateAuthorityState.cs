using FleetMdm.Grains.Interfaces;

namespace FleetMdm.Grains.Identity;

/// <summary>What is stored under the name <c>certificate-authority</c>. Private keys are sealed.</summary>
[GenerateSerializer, Alias("fleetmdm.certificate-authority-state")]
public sealed class CertificateAuthorityState
{
    /// <summary>Null until the first use.</summary>
    [Id(0)] public SealedAuthority? Authority { get; set; }
}
