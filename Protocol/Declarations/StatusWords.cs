using System.Collections.Frozen;
using System.Globalization;

namespace FleetMdm.Protocol.Declarations;

/// <summary>What iPads say by codes, in words.</summary>
public static class StatusWords
{
    private static readonly FrozenDictionary<string, string> Reasons = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["Error.ActivationFailed"] = "The activation could not be applied.",
        ["Error.AssetCannotBeDeserialized"] = "An asset was loaded, and the iPad cannot read it.",
        ["Error.AssetCannotBeDownloaded"] = "An asset could not be loaded from its address.",
        ["Error.AssetCannotBeVerified"] = "An asset was loaded, and its size or hash is not the one that was declared.",
        ["Error.ConfigurationCannotBeApplied"] = "The iPad cannot apply this configuration as it is.",
        ["Error.ConfigurationCannotBeDeserialized"] = "The iPad cannot read the configuration.",
        ["Error.ConfigurationFailed"] = "The configuration could not be applied.",
        ["Error.ConfigurationIsInvalid"] = "A value of the configuration is not valid.",
        ["Error.ConfigurationNotSupported"] = "This iPad does not support the configuration.",
        ["Error.InvalidPayload"] = "The content of the declaration is not valid.",
        ["Error.MissingAssets"] = "An asset that is named is missing.",
        ["Error.MissingConfigurations"] = "A configuration that is named is missing.",
        ["Error.MissingState"] = "The iPad has lost what it knew of the declaration.",
        ["Error.PredicateFailed"] = "The condition of the activation could not be worked out.",
        ["Error.UnableToEvaluatePredicate"] = "The condition of the activation could not be worked out.",
        ["Error.UnableToParsePredicate"] = "The condition of the activation cannot be read.",
        ["Error.UnableToParsePredicateWithCustomOperator"] = "The condition of the activation has an operator that is not allowed.",
        ["Error.UnknownDeclarationType"] = "This iPadOS does not know this type of declaration.",
        ["Error.UnknownPayloadKeys"] = "The declaration has a key that this iPadOS does not know.",
        ["Info.NotReferencedByActivation"] = "No activation names it.",
        ["Info.NotReferencedByConfiguration"] = "No configuration names it.",
        ["Info.Predicate"] = "The condition of its activation is not met.",
        ["Info.UnsupportedSettings"] = "Some of its settings do not work on this iPad.",
    }.ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>A sentence; what the iPad adds follows.</summary>
    public static string Sentence(StatusReason reason) => string.Concat(
        Reasons.GetValueOrDefault(reason.Code, "The iPad gave no reason that is known."), " (", reason.Code, ")",
        reason.Description is { } words ? $" {words.TrimEnd('.')}." : "", reason.Details is { } details ? $" {details}" : "");

    /// <summary>All that it says of a declaration; null: nothing beside its state.</summary>
    public static string? Sentence(DeclarationState state) => state.Reasons.Count == 0
        ? state.Valid == "invalid" ? "The iPad refused it, and did not say why." : null
        : string.Join(' ', state.Reasons.Select(Sentence));

    /// <summary>What an iPad says of updates.</summary>
    /// <returns>Null: nothing.</returns>
    public static string? OfUpdate(DeviceStatus status)
    {
        var target = status.Member("softwareupdate.pending-version", "os-version") is { Length: > 0 } version
            ? status.Member("softwareupdate.pending-version", "build-version") is { Length: > 0 } build ? $"iPadOS {version} ({build})" : $"iPadOS {version}"
            : "the update";
        return status.Text("softwareupdate.install-state") switch
        {
            null or "" => null,
            "none" => "The iPad has not begun.",
            "waiting" => $"The iPad waits to load {target}.",
            "downloading" => $"The iPad is loading {target}.",
            "prepared" => $"The iPad has loaded {target}, and installs it at the deadline or when its user agrees.",
            "installing" => $"The iPad is installing {target}.",
            "failed" => UpdateFailure(status) ?? $"The iPad could not install {target}.",
            var other => $"The iPad says: {other}.",
        };
    }

    /// <summary>Why the last update failed; null: none did.</summary>
    public static string? UpdateFailure(DeviceStatus status)
    {
        const string item = "softwareupdate.failure-reason";
        if (!long.TryParse(status.Member(item, "count"), NumberStyles.None, CultureInfo.InvariantCulture, out var count) || count <= 0)
            return null;
        var times = count == 1 ? "once" : string.Create(CultureInfo.InvariantCulture, $"{count} times");
        return status.Member(item, "reason") is { Length: > 0 } reason ? $"The update failed {times}: {reason.TrimEnd('.')}." : $"The update failed {times}.";
    }
}
