using FleetMdm.Grains.Interfaces;

namespace FleetMdm.Grains.Identity;

/// <summary>What is stored under the name <c>tls-root</c>. Private keys are sealed.</summary>
[GenerateSerializer, Alias("fleetmdm.tls-root-state")]
public sealed class TlsRootState
{
    /// <summary>One for each host, the newest first.</summary>
    [Id(0)] public SealedTlsRoot[] Roots { get; set; } = [];
}
