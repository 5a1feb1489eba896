using FleetMdm.Protocol.Catalogue;

namespace FleetMdm.Protocol.Mdm;

/// <summary>A command, checked and ready to be queued.</summary>
/// <param name="RequestType">Apple's name, as in <c>DeviceLock</c>.</param>
/// <param name="Fragment">The Command dictionary, <c>&lt;dict&gt;…&lt;/dict&gt;</c> in UTF-8, for <see cref="CommandEnvelope"/>. It holds
/// no unlock token; see <see cref="CommandCatalogue.WithUnlockToken"/>.</param>
/// <param name="Destructive">It takes away data, apps or settings that the server alone cannot bring back, or the iPad's
/// protection: worth a second question. False for request types that are not known.</param>
public sealed record BuiltCommand(string RequestType, byte[] Fragment, bool Destructive)
{
    /// <summary>Upper case; null unless the administrator's property list named one.</summary>
    public string? CommandUuid { get; init; }

    /// <summary>What is odd in it, and was taken all the same: keys that no schema knows, what an iPad may refuse in a profile.</summary>
    public IReadOnlyList<Finding> Warnings { get; init; } = [];

    /// <summary>What must be true of an iPad for it to work there. Empty for one that was not compared with the catalogue.</summary>
    public IReadOnlyList<Requirement> Requirements { get; init; } = [];

    /// <summary>Of keys in a profile that it installs: an iPad that does not meet them installs the profile, and ignores the keys.</summary>
    public IReadOnlyList<Requirement> Ignored { get; init; } = [];
}
