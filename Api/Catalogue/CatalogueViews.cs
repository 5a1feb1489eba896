using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using FleetMdm.Protocol.Catalogue;

namespace FleetMdm.Api.Catalogue;

/// <summary>What is true of a command or a payload, whatever is in it.</summary>
public abstract record TypeView
{
    private protected TypeView()
    {
    }

    [SetsRequiredMembers]
    private protected TypeView(CatalogueType type, CatalogueText text, object schema)
    {
        Label = text.Label;
        Help = text.Help;
        Since = type.On.Since;
        Deprecated = type.On.Deprecated;
        Removed = type.On.Removed;
        Supervised = type.On.Supervised;
        AutomatedEnrolment = type.On.AutomatedEnrolment;
        SharedIPad = type.On.SharedIPad;
        Channels = type.On.Channels;
        UserEnrolment = type.On.UserEnrolment;
        Schema = JsonSerializer.SerializeToElement(schema);
    }

    /// <summary>For people.</summary>
    public required string Label { get; init; }
    /// <summary>A sentence for people; empty: there is none.</summary>
    public required string Help { get; init; }
    /// <summary>The first version of iPadOS, as in 17.0.</summary>
    public required string? Since { get; init; }
    /// <summary>The version of iPadOS from which on Apple advises against it.</summary>
    public required string? Deprecated { get; init; }
    /// <summary>The version of iPadOS from which on it does nothing.</summary>
    public required string? Removed { get; init; }
    /// <summary>It works on supervised iPads only. Single keys may need supervision where this is false: their schema has x-supervised.</summary>
    public required bool Supervised { get; init; }
    /// <summary>It works on iPads only that came by Automated Device Enrolment.</summary>
    public required bool AutomatedEnrolment { get; init; }
    /// <summary>On a Shared iPad: allowed, forbidden, required (works there only) or ignored.</summary>
    public required string SharedIPad { get; init; }
    /// <summary>The channels of a Shared iPad that carry it: device, user.</summary>
    public required IReadOnlyList<string> Channels { get; init; }
    /// <summary>In a User Enrolment: allowed, forbidden, required or ignored.</summary>
    public required string UserEnrolment { get; init; }
    /// <summary>JSON Schema, 2020-12. Other keys are taken too, with a warning.</summary>
    public required JsonElement Schema { get; init; }
}

/// <summary>A command of iPadOS.</summary>
public sealed record CommandTypeView : TypeView
{
    public required string RequestType { get; init; }
    /// <summary>The access right that the enrolment must have, in Apple's words; null: none. Every enrolment with this server has all.</summary>
    public required string? AccessRight { get; init; }
    /// <summary>It takes away what the server alone cannot bring back.</summary>
    public required bool Destructive { get; init; }
    /// <summary>It does harm when it runs twice or hours late: it is not delivered again when an iPad has not answered it.</summary>
    public required bool OnceOnly { get; init; }

    public CommandTypeView()
    {
    }

    [SetsRequiredMembers]
    private CommandTypeView(CatalogueType type)
        : base(type, CatalogueTexts.English.Command(type.Name), CatalogueSchema.OfCommand(type, CatalogueTexts.English))
    {
        RequestType = type.Name;
        AccessRight = type.On.AccessRight;
        Destructive = CommandCatalogue.IsDestructive(type.Name);
        OnceOnly = CommandCatalogue.IsOnceOnly(type.Name);
    }

    internal static CommandTypeView Of(CatalogueType type) => new(type);
}

/// <summary>A payload that a profile can have on an iPad.</summary>
public sealed record PayloadTypeView : TypeView
{
    public required string PayloadType { get; init; }
    /// <summary>Tells payloads of one type apart, as in kerberos; null: the general one.</summary>
    public required string? Variant { get; init; }
    /// <summary>More than one may stand on an iPad.</summary>
    public required bool Multiple { get; init; }
    /// <summary>A person may install it by hand.</summary>
    public required bool Manual { get; init; }

    public PayloadTypeView()
    {
    }

    [SetsRequiredMembers]
    private PayloadTypeView(CatalogueType type)
        : base(type, CatalogueTexts.English.Payload(type.Name), CatalogueSchema.OfPayload(type, CatalogueTexts.English))
    {
        PayloadType = type.Name;
        Variant = type.Variant;
        Multiple = type.Multiple;
        Manual = type.Manual;
    }

    internal static PayloadTypeView Of(CatalogueType type) => new(type);
}
