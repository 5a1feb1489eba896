using System.Globalization;
using System.Text;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.CatalogueGenerator;

/// <summary>The pages <c>docs/reference/*.md</c>, from the catalogue and our texts.</summary>
internal static class ReferencePages
{
    /// <summary>Longer lists of values are left to the JSON Schema.</summary>
    private const int MostValues = 24;

    public static IEnumerable<(string Name, string Text)> All() => [("commands.md", Commands()), ("payloads.md", Payloads())];

    private static string Commands()
    {
        var page = new StringBuilder("""
            # Commands

            Every command of iPadOS, as JSON. [REST by example](../rest.md#send-a-command-to-one-ipad) shows how to send one. The keys are Apple's, with a small
            first letter. This page is made from the catalogue, which `GET /api/v1/command-types` gives to programs, with a JSON Schema of each command.

            A wrong type, a value out of range or a missing required key is refused. A key that is not listed is sent as you write it, and the answer
            names it in `warnings`: Apple adds keys every year. Data is written in Base64.

            **Takes away**: what it takes cannot be brought back by the server. **Once**: it is not delivered again when an iPad has not answered.


            """);
        foreach (var command in AppleCatalogue.Instance.Commands.Values.OrderBy(type => type.Name, StringComparer.Ordinal))
        {
            var text = CatalogueTexts.English.Command(command.Name);
            Head(page, command.Name, text, [
                .. Facts(command.On, null),
                CommandCatalogue.IsDestructive(command.Name) ? "**takes away**" : null,
                CommandCatalogue.IsOnceOnly(command.Name) ? "**once**" : null,
            ]);
            Table(page, CommandCatalogue.KeysOf(command), key => key.JsonName, key => CatalogueTexts.English.Command(command.Name, key), command.On);
        }

        return page.ToString();
    }

    private static string Payloads()
    {
        var catalogue = AppleCatalogue.Instance;
        var page = new StringBuilder("""
            # Payloads of profiles

            Every payload type that iPads know, with its keys. This page is made from the catalogue, which `GET /api/v1/payload-types` gives to programs, with
            a JSON Schema of each type.

            A profile is sent as it is. What differs from this page comes back in `warnings`: whether an iPad takes it is the iPad's word.

            ## Every payload


            """);
        Table(page, catalogue.CommonKeys, key => key.Name, key => CatalogueTexts.English.Payload(AppleCatalogue.CommonPayloadKeys, key), new Availability());
        foreach (var type in catalogue.Payloads.Values.SelectMany(variants => variants).OrderBy(type => type.Name, StringComparer.Ordinal))
        {
            var title = type.Variant is { } variant ? $"{type.Name} ({variant})" : type.Name;
            Head(page, title, CatalogueTexts.English.Payload(type.Name), [
                .. Facts(type.On, null), type.Multiple ? "more than one may stand" : "one only", type.Manual ? null : "not by hand",
            ]);
            Table(page, type.OwnKeys, key => key.Name, key => CatalogueTexts.English.Payload(type.Name, key), type.On);
        }

        return page.ToString();
    }

    private static void Head(StringBuilder page, string name, CatalogueText text, IEnumerable<string?> facts)
    {
        page.Append("## ").Append(name).Append("\n\n");
        if (text.Label != name)
            page.Append("**").Append(Plain(text.Label)).Append(".** ");
        page.Append(Plain(text.Help)).Append("\n\n").Append(string.Join(" · ", facts.OfType<string>())).Append("\n\n");
    }

    private static IEnumerable<string?> Facts(Availability on, Availability? parent) =>
    [
        on.Since is { } since && since != parent?.Since ? $"iPadOS {since}" : null,
        on.Deprecated is { } deprecated && deprecated != parent?.Deprecated ? $"deprecated in {deprecated}" : null,
        on.Removed is { } removed && removed != parent?.Removed ? $"removed in {removed}" : null,
        on.Supervised && parent?.Supervised != true ? "supervised" : null,
        on.AutomatedEnrolment && parent?.AutomatedEnrolment != true ? "Automated Device Enrolment" : null,
        on.AccessRight is { } right && right != parent?.AccessRight && parent is null ? $"right {right}" : null,
        on.SharedIPad == (parent?.SharedIPad ?? "allowed") ? null : on.SharedIPad == "required" ? "Shared iPad only" : $"{on.SharedIPad} on a Shared iPad",
        on.UserEnrolment == (parent?.UserEnrolment ?? "allowed") ? null : $"{on.UserEnrolment} in a User Enrolment",
    ];

    private static string Noted(Availability on, Availability parent)
    {
        var facts = string.Join(", ", Facts(on, parent).OfType<string>());
        return facts.Length > 0 ? $"({facts})" : "";
    }

    private static void Table(StringBuilder page, KeySet keys, Func<CatalogueKey, string> name, Func<CatalogueKey, CatalogueText> texts, Availability on)
    {
        if (keys.Count == 0)
            return;
        page.Append("| key | value | meaning |\n| --- | --- | --- |\n");
        Rows(page, keys, "", name, texts, on, []);
        page.Append('\n');
    }

    private static void Rows(
        StringBuilder page, KeySet keys, string prefix, Func<CatalogueKey, string> name, Func<CatalogueKey, CatalogueText> texts, Availability on, HashSet<KeySet> entered)
    {
        // A structure that contains itself is written once.
        if (!entered.Add(keys))
            return;
        foreach (var key in keys)
        {
            var path = prefix + name(key);
            var text = texts(key);
            string?[] meaning = [text.Label != key.Name ? $"{text.Label}." : null, text.Help, Noted(key.On, on)];
            page.Append("| `").Append(path).Append("` | ").Append(Plain(Value(key))).Append(" | ")
                .Append(Plain(string.Join(' ', meaning.Where(part => !string.IsNullOrEmpty(part))))).Append(" |\n");
            Inside(page, key, path, name, texts, entered);
        }

        entered.Remove(keys);
    }

    private static void Inside(
        StringBuilder page, CatalogueKey key, string path, Func<CatalogueKey, string> name, Func<CatalogueKey, CatalogueText> texts, HashSet<KeySet> entered)
    {
        Rows(page, key.Keys, path + ".", name, texts, key.On, entered);
        if (key.Any is { } any)
            Inside(page, any, path + ".*", name, texts, entered);
        if (key.Item is { } item)
            Inside(page, item, path + "[]", name, texts, entered);
        foreach (var variant in key.Variants)
        {
            var text = texts(variant);
            page.Append("| **").Append(variant.Name).Append("** | | ").Append(Plain($"{text.Label}. {text.Help} {Noted(variant.On, key.On)}".Trim())).Append(" |\n");
            Rows(page, variant.Keys, path + ".", name, texts, variant.On, entered);
        }

        foreach (var choice in key.Choices)
        {
            var text = texts(choice);
            page.Append("| | `").Append(choice.Name).Append("` | ").Append(Plain($"{text.Label}. {text.Help} {Noted(choice.On, key.On)}".Trim())).Append(" |\n");
        }
    }

    private static string Value(CatalogueKey key)
    {
        var text = new StringBuilder(Word(key));
        if (key.Required)
            text.Append(", required");
        if (key.Values.Count is > 0 and <= MostValues)
            text.Append(": ").Append(string.Join(", ", key.Values.Select(Show)));
        if (key.Item is { Values: { Count: > 0 and <= MostValues } values })
            text.Append(": ").Append(string.Join(", ", values.Select(Show)));
        if (key.Values.Count == 0 && (key.Min ?? key.Max) is not null)
            text.Append(CultureInfo.InvariantCulture, $", {(key.Min is { } min ? key.Max is { } max ? $"{min} to {max}" : $"at least {min}" : $"at most {key.Max}")}");
        if (key.MaxItems is { } most)
            text.Append(CultureInfo.InvariantCulture, $", at most {most}");
        if (key.Default is { } standard && Show(standard).Length > 0)
            text.Append(CultureInfo.InvariantCulture, $" ({Show(standard)})");
        return text.ToString();
    }

    private static string Word(CatalogueKey key) => key.Type switch
    {
        KeyType.String => "text",
        KeyType.Integer => "whole number",
        KeyType.Real => "number",
        KeyType.Boolean => "true or false",
        KeyType.Date => "date and time",
        KeyType.Data => "data",
        KeyType.Array => key.Item is { } item ? $"list of {Word(item)}" : "list",
        KeyType.Dictionary => "object",
        _ => "anything",
    };

    private static string Show(PlistNode value) => value switch
    {
        PlistString text => text.Value,
        PlistInteger integer => integer.Value.ToString(CultureInfo.InvariantCulture),
        PlistReal real => real.Value.ToString(CultureInfo.InvariantCulture),
        PlistBoolean flag => flag.Value ? "true" : "false",
        _ => "",
    };

    /// <summary>Safe in a cell of a table.</summary>
    private static string Plain(string text) => text.Replace("|", "\\|", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal).Replace("*", "\\*", StringComparison.Ordinal).Replace("\n", " ", StringComparison.Ordinal);
}
