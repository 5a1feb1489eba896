using FleetMdm.Protocol.Catalogue;

namespace FleetMdm.Api.Commands;

/// <summary>What a command is called on pages: the words of the catalogue. Apple's name stands beside it where somebody may look for it.</summary>
internal static class CommandWords
{
    public static string Of(string requestType) => CatalogueTexts.English.Command(requestType).Label;

    /// <summary>With the name of the profile of the library that it installs or removes.</summary>
    public static string Of(string requestType, string? profile) => profile is null ? Of(requestType) : $"{Of(requestType)}: {profile}";
}
