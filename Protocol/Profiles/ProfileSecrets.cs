using System.Collections.Frozen;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using FleetMdm.Protocol.Catalogue;
using FleetMdm.Protocol.Mdm;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Profiles;

/// <summary>
/// What in a profile is a secret: passwords, shared secrets, challenges, private keys, headers, passwords in addresses. People see
/// <see cref="SecretAnswers.Hidden"/> in its place, and a profile that is sent back with that keeps the secret that it has.
/// </summary>
/// <remarks>
/// A secret is known by its key, whatever type its value has. Of Apple's keys it is known exactly. Keys that the catalogue does not have, as in
/// payloads of others, are secret when their name could mean one. In dictionaries where vendors put what they like, as in VendorConfig, every text and all
/// data is: no list knows their names. To hide too much there costs nothing, as what is hidden can be kept.
/// </remarks>
public static partial class ProfileSecrets
{
    private const string PayloadContent = "PayloadContent";
    private const string PayloadType = "PayloadType";

    /// <summary>A PKCS #12 file in an Exchange account.</summary>
    private const string ExchangeIdentity = "Certificate";
    private const string Exchange = "com.apple.eas.account";

    /// <summary>A list whose items say themselves what is secret in them.</summary>
    private const string AirPlay = "com.apple.airplay";
    private const string AirPlayPasswords = "Passwords";

    /// <summary>Their keys are not Apple's but those of the vendor of an app.</summary>
    private static readonly FrozenSet<string> OfVendors =
        new[] { "VendorConfig", "ProviderConfiguration", "ExtensionData", "mcx_preference_settings" }.ToFrozenSet(StringComparer.Ordinal);

    private const string PemKey = "PRIVATE KEY-----";

    private const string NothingToKeep = $"There is no secret here that could be kept. Write the secret in the place of {SecretAnswers.Hidden}, or leave the key out.";

    private const string Unsure =
        $"It is not certain which secret is meant by {SecretAnswers.Hidden}. Type the secret again in its place. A payload keeps its secret by its PayloadIdentifier, another item of a list when the rest of it is the same.";

    private const string MarkInCommand = $"{SecretAnswers.Hidden} stands only where a secret is not shown. The iPad would take it for the secret. Write the secret itself.";

    private const string AddressChanged = $"{SecretAnswers.Hidden} stands in this address, and the address is another one than before. Type it again with its secret.";

    /// <summary>Within keys that Apple does not have.</summary>
    private static readonly string[] Words =
        ["pass", "pwd", "secret", "token", "key", "cred", "auth", "licen", "cookie", "psk", "challenge", "bearer", "activation", "p12", "pfx", "pkcs12"];

    /// <summary>Payloads whose data is a certificate, and no secret.</summary>
    private static readonly FrozenSet<string> Certificates =
        new[] { "com.apple.security.root", "com.apple.security.pkcs1", "com.apple.security.pem" }.ToFrozenSet(StringComparer.Ordinal);

    private static readonly Lazy<FrozenDictionary<string, bool>> ApplesKeys = new(() => AllKeys().ToFrozenDictionary(name => name, SecretNames.Contains, StringComparer.Ordinal));

    /// <summary>Where something stands.</summary>
    /// <param name="Type">Of the payload.</param>
    /// <param name="Headers">Each value is that of an HTTP header.</param>
    /// <param name="Vendor">Under a key of <see cref="OfVendors"/>.</param>
    private readonly record struct Scope(string Type, bool Headers, bool Vendor)
    {
        public Scope Of(PlistDictionary? dictionary) => dictionary?.GetString(PayloadType) is { } type ? this with { Type = type } : this;

        public Scope Of(JsonObject json) => Text(json, PayloadType) is { } type ? this with { Type = type } : this;

        public Scope Under(string key) => this with { Headers = IsHeaders(key), Vendor = Vendor || OfVendors.Contains(key) };
    }

    public static bool Has(PlistNode profile) => Has(profile, default);

    /// <summary>The same without its secrets.</summary>
    public static PlistDictionary Hide(PlistDictionary profile) => (PlistDictionary)Hide(profile, default(Scope));

    /// <summary>Whether what stands under this key is a secret, for forms.</summary>
    public static bool IsSecretName(string key)
    {
        if (ApplesKeys.Value.TryGetValue(key, out var secret))
            return secret;
        var name = Plain(key);
        return SecretNames.Contains(key) || name.EndsWith("pin", StringComparison.Ordinal) || Words.Any(word => name.Contains(word, StringComparison.Ordinal));
    }

    /// <summary>Refuses a command in which <see cref="SecretAnswers.Hidden"/> stands in the place of a secret, or in a profile that it carries: it was copied from where
    /// secrets are not shown.</summary>
    /// <param name="profile">Where the profile stands; its own places are told with it.</param>
    /// <exception cref="CommandFieldException"/>
    internal static void RefuseMarks(PlistDictionary command, string pointer, string profile = "Payload")
    {
        foreach (var place in Marks(command))
            throw new CommandFieldException($"{pointer}/{place.Replace('.', '/').Replace("[", "/", StringComparison.Ordinal).Replace("]", "", StringComparison.Ordinal)}", MarkInCommand);
        if (command.GetData(profile) is not { } bytes || TryOpen(bytes) is not { } root)
            return;
        foreach (var place in Marks(root))
            throw new CommandFieldException($"{pointer}/{profile}", $"{place}: {MarkInCommand}") { Fault = CommandFault.Profile };
    }

    private static PlistDictionary? TryOpen(byte[] profile)
    {
        try
        {
            return ProfileInspectionFile.Open(profile).Root;
        }
        catch (Exception e) when (e is FormatException or CryptographicException)
        {
            // As it is: the iPad says what is wrong with it.
            return null;
        }
    }

    /// <summary>Where <see cref="SecretAnswers.Hidden"/> stands in the place of a secret: an iPad would take it for the secret.</summary>
    /// <returns>Paths, as in <c>PayloadContent[0].Password</c>.</returns>
    internal static IReadOnlyList<string> Marks(PlistDictionary profile)
    {
        var found = new List<string>();
        Marks(profile, default, "", inSecret: false, found);
        return found;
    }

    /// <summary>
    /// A profile as it came back from somebody who saw it without its secrets: those are put in again. What is of a type that JSON does not have, under a key
    /// that is not known, keeps its type.
    /// </summary>
    /// <param name="json">An object with Apple's keys.</param>
    /// <param name="before">The profile as it was shown; null: there is none.</param>
    /// <exception cref="CommandFieldException">The mark stands where there was no secret, or it is not certain which one is meant.</exception>
    internal static JsonElement Reveal(JsonElement json, PlistDictionary? before)
    {
        var node = JsonObject.Create(json)!;
        Reveal(node, before, default(Scope).Of(before), "", unsure: false);
        return JsonSerializer.SerializeToElement(node);
    }

    /// <summary>Values that only lost their type on the way through JSON have it again.</summary>
    internal static PlistNode Retype(PlistNode node, PlistNode? before)
    {
        switch (node)
        {
            case PlistString text when before is PlistData or PlistDate && JsonText(before) == text.Value:
                return before;
            case PlistInteger whole when before is PlistReal { Value: var real } && real == (double)whole.Value:
                return before;
            case PlistArray array:
                var items = before as PlistArray;
                return new PlistArray(array.Select((item, index) => Retype(item, Partner(item, items, index))));
            case PlistDictionary dictionary:
                var old = before as PlistDictionary;
                var typed = new PlistDictionary();
                foreach (var (key, value) in dictionary)
                    typed.Add(key, Retype(value, old is not null && old.TryGetValue(key, out var was) ? was : null));
                return typed;
            default:
                return node;
        }
    }

    /// <summary>Payloads are told apart by their identifiers, other items by their places.</summary>
    private static PlistNode? Partner(PlistNode item, PlistArray? among, int index)
    {
        if (among is null)
            return null;
        if (item is PlistDictionary payload && payload.GetString("PayloadIdentifier") is { } identifier)
            return among.OfType<PlistDictionary>().FirstOrDefault(other => other.GetString("PayloadIdentifier") == identifier);
        return index < among.Count ? among[index] : null;
    }

    // What is secret.

    /// <summary>An empty one keeps nothing secret, nor does a flag.</summary>
    private static bool IsSecret(string key, PlistNode value, PlistDictionary among, Scope scope)
    {
        switch (value)
        {
            case PlistBoolean or PlistString { Value.Length: 0 } or PlistData { Value.Length: 0 } or PlistArray { Count: 0 } or PlistDictionary { Count: 0 }:
                return false;
            case PlistArray list when key == AirPlayPasswords && scope.Type == AirPlay && list.All(item => item is PlistDictionary):
                return false;
            case PlistDictionary when IsHeaders(key) && !scope.Headers:
                return false;
            default:
                return IsSecretPlace(key, value, scope) || IsHeaders(key) || IsValueOfPair(key, among) || (scope.Vendor && IsWords(value));
        }
    }

    /// <summary>A text or data; a list is one as soon as one of its items is.</summary>
    private static bool IsWords(PlistNode value) => value switch
    {
        PlistString or PlistData => true,
        PlistArray list => list.Any(item => item is PlistDictionary inner ? inner.Any(entry => IsWords(entry.Value)) : IsWords(item)),
        _ => false,
    };

    /// <summary>By the key, and by where it stands.</summary>
    private static bool IsSecretPlace(string key, PlistNode value, Scope scope) =>
        scope.Headers || IsSecretName(key)
        || (key == PayloadContent && value is PlistData or PlistString && !Certificates.Contains(scope.Type ?? ""))
        || (key == ExchangeIdentity && (value is PlistData || (value is PlistString && scope.Type == Exchange)));

    /// <summary>Where the mark means a secret. Under a key that Apple does not have, it means nothing else.</summary>
    private static bool IsMarkPlace(string key, PlistNode value, Scope scope) =>
        IsSecretPlace(key, value, scope) || (value is not PlistDictionary && (scope.Vendor || IsHeaders(key) || !ApplesKeys.Value.ContainsKey(key)));

    /// <summary>The value of a pair, of which the other half says that it is a secret.</summary>
    private static bool IsValueOfPair(string key, PlistDictionary among) =>
        key.Equals("Value", StringComparison.OrdinalIgnoreCase)
        && among.Any(other => other.Value is PlistString { Value: var name } && (other.Key.Equals("Name", StringComparison.OrdinalIgnoreCase) || other.Key.Equals("Key", StringComparison.OrdinalIgnoreCase)) && IsSecretName(name));

    private static bool IsHeaders(string key) => Plain(key) is var name && (name.EndsWith("headers", StringComparison.Ordinal) || name.EndsWith("headerfields", StringComparison.Ordinal));

    private static string Plain(string key) => string.Concat(key.Where(char.IsLetterOrDigit)).ToLowerInvariant();

    /// <summary>Every key of the catalogue, at any depth.</summary>
    private static HashSet<string> AllKeys()
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var seen = new HashSet<CatalogueKey>(ReferenceEqualityComparer.Instance);
        var catalogue = AppleCatalogue.Instance;
        var next = new Stack<CatalogueKey>(catalogue.Profile.Keys.Concat(catalogue.CommonKeys).Concat(catalogue.Payloads.Values.SelectMany(variants => variants).SelectMany(type => type.Keys)));
        while (next.TryPop(out var key))
        {
            if (!seen.Add(key))
                continue;
            names.Add(key.Name);
            foreach (var inner in key.Keys)
                next.Push(inner);
            foreach (var beside in new[] { key.Item, key.Any }.OfType<CatalogueKey>())
                next.Push(beside);
        }

        return names;
    }

    private static bool Has(PlistNode node, Scope scope)
    {
        switch (node)
        {
            case PlistDictionary dictionary:
                var own = scope.Of(dictionary);
                return dictionary.Any(entry => IsSecret(entry.Key, entry.Value, dictionary, own) || Has(entry.Value, own.Under(entry.Key)));
            case PlistArray array:
                return array.Any(item => Has(item, scope));
            default:
                return !ReferenceEquals(HideValue(node), node);
        }
    }

    private static PlistNode Hide(PlistNode node, Scope scope)
    {
        switch (node)
        {
            case PlistDictionary dictionary:
                var own = scope.Of(dictionary);
                var shown = new PlistDictionary();
                foreach (var (key, value) in dictionary)
                    shown.Add(key, IsSecret(key, value, dictionary, own) ? SecretAnswers.Hidden : Hide(value, own.Under(key)));
                return shown;
            case PlistArray array:
                return new PlistArray(array.Select(item => Hide(item, scope)));
            default:
                return HideValue(node);
        }
    }

    /// <summary>What is a secret under any key: private keys as PEM, bearer tokens, and secrets within addresses.</summary>
    internal static PlistNode HideValue(PlistNode node)
    {
        switch (node)
        {
            case PlistData data when data.Value.AsSpan().IndexOf("PRIVATE KEY-----"u8) >= 0:
                return SecretAnswers.Hidden;
            case PlistString { Value: var text } when text.Contains(PemKey, StringComparison.Ordinal) || text.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase):
                return SecretAnswers.Hidden;
            case PlistString { Value: var text } when IsJsonWithTexts(text):
                return SecretAnswers.Hidden;
            case PlistString { Value: var text } when text.Contains("//", StringComparison.Ordinal):
                var hidden = InOneWord().Replace(text, word => HideInAddress(word.Value));
                return hidden == text ? node : hidden;
            default:
                return node;
        }
    }

    private static readonly JsonReaderOptions AsVendorsWrite = new() { MaxDepth = 1000, CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };

    /// <summary>Settings as JSON in one text: nobody knows which of them are secret.</summary>
    private static bool IsJsonWithTexts(string text)
    {
        if (text.AsSpan().TrimStart() is not ['{' or '[', ..])
            return false;
        var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(text), AsVendorsWrite);
        var texts = false;
        try
        {
            while (!texts && reader.Read())
                texts = reader.TokenType is JsonTokenType.PropertyName or JsonTokenType.String;
        }
        catch (JsonException)
        {
            // What is no JSON is looked at as a text.
        }

        return texts;
    }

    /// <summary><c>https://user:password@host/?token=x</c> → <c>https://(hidden)@host/?token=(hidden)</c>.</summary>
    private static string HideInAddress(string word)
    {
        var parts = word.Split("//");
        if (parts.Length == 1)
            return word;
        for (var index = 1; index < parts.Length; index++)
        {
            var part = parts[index];
            var end = part.IndexOfAny(['/', '?', '#']);
            var at = (end < 0 ? part : part[..end]).LastIndexOf('@');
            // A password with a slash in it that is not escaped; host:8443/@name is none.
            if (at < 0 && end > 0 && part.IndexOf(':') is >= 0 and var colon && colon < end && !part[(colon + 1)..end].All(char.IsAsciiDigit))
                at = part.LastIndexOf('@');
            if (at > 0)
                parts[index] = SecretAnswers.Hidden + part[at..];
        }

        return InQuery().Replace(string.Join("//", parts), pair => IsSecretName(pair.Groups[2].Value) || !IsHarmless(pair.Groups[2].Value, pair.Groups[3].Value) ? $"{pair.Groups[1].Value}{pair.Groups[2].Value}={SecretAnswers.Hidden}" : pair.Value);
    }

    /// <summary>What a page is shown by: its language, its number. Whatever else stands in the query of an address may open it.</summary>
    private static bool IsHarmless(string name, string value) =>
        HarmlessNames.Contains(name) || value is "true" or "false" or SecretAnswers.Hidden || (value.Length <= 3 && value.All(char.IsAsciiDigit)) || ProfileVariable().IsMatch(value);

    private static readonly FrozenSet<string> HarmlessNames =
        new[] { "page", "lang", "language", "locale", "hl", "view", "tab", "format", "version", "v", "mt", "utm_source", "utm_medium", "utm_campaign" }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    [GeneratedRegex(@"^\{\{[^{}]+(\}\})?$", RegexOptions.NonBacktracking)]
    private static partial Regex ProfileVariable();

    [GeneratedRegex(@"\S+", RegexOptions.NonBacktracking)]
    private static partial Regex InOneWord();

    [GeneratedRegex("([?&;#])([^=&?;#]+)=([^&;#]+)", RegexOptions.NonBacktracking)]
    private static partial Regex InQuery();

    // The mark.

    private static bool IsMark(JsonValue value) => value.TryGetValue(out string? text) && text == SecretAnswers.Hidden;

    /// <summary>In an address.</summary>
    private static bool HoldsMark(string text) =>
        text.Contains($"//{SecretAnswers.Hidden}@", StringComparison.Ordinal) || (text.Contains("//", StringComparison.Ordinal) && text.Contains($"={SecretAnswers.Hidden}", StringComparison.Ordinal));

    private static void Marks(PlistNode node, Scope scope, string path, bool inSecret, List<string> found)
    {
        switch (node)
        {
            case PlistDictionary dictionary:
                var own = scope.Of(dictionary);
                foreach (var (key, value) in dictionary)
                    Marks(value, own.Under(key), path.Length > 0 ? $"{path}.{key}" : key, inSecret || IsMarkPlace(key, value, own) || IsValueOfPair(key, dictionary), found);
                break;
            case PlistArray array:
                for (var index = 0; index < array.Count; index++)
                    Marks(array[index], scope, string.Create(CultureInfo.InvariantCulture, $"{path}[{index}]"), inSecret, found);
                break;
            case PlistString { Value: var text } when (inSecret && text == SecretAnswers.Hidden) || HoldsMark(text):
                found.Add(path);
                break;
        }
    }

    // Secrets are put in again.

    private static void Reveal(JsonObject json, PlistDictionary? before, Scope scope, string pointer, bool unsure)
    {
        foreach (var (key, value) in json.ToList())
        {
            var at = $"{pointer}/{key}";
            var was = before is not null && before.TryGetValue(key, out var node) ? node : null;
            switch (value)
            {
                case JsonValue mark when IsMark(mark):
                    if (was is not null && (IsSecret(key, was, before!, scope) || IsHiddenWhole(was)))
                        json[key] = Json(was);
                    else if (IsMarkPlace(key, SecretAnswers.Hidden, scope))
                        throw new CommandFieldException(at, unsure ? Unsure : NothingToKeep);
                    break;
                case JsonValue text when text.TryGetValue(out string? address) && HoldsMark(address):
                    json[key] = was is PlistString && HideValue(was) is PlistString { Value: var shown } && shown == address
                        ? Json(was)
                        : throw new CommandFieldException(at, unsure ? Unsure : AddressChanged);
                    break;
                case JsonObject inside:
                    Reveal(inside, was as PlistDictionary, scope.Under(key), at, unsure);
                    break;
                case JsonArray items:
                    Reveal(items, was as PlistArray, scope.Under(key), at, unsure);
                    break;
            }
        }
    }

    private static void Reveal(JsonArray items, PlistArray? before, Scope scope, string pointer, bool unsure)
    {
        // A list that came back as it was shown is the same list.
        var same = before is not null && Canonical(items) == Canonical(Json(Hide(before, scope)));
        var pairs = same ? [] : Pairs(items, before, scope);
        for (var index = 0; index < items.Count; index++)
        {
            var at = string.Create(CultureInfo.InvariantCulture, $"{pointer}/{index}");
            switch (items[index])
            {
                case JsonArray inner:
                    Reveal(inner, same ? before![index] as PlistArray : null, scope, at, unsure || before is { Count: > 0 });
                    break;
                case JsonObject item:
                    var was = same ? before![index] as PlistDictionary : pairs[index];
                    Reveal(item, was, scope.Of(item), at, unsure || (was is null && before is { Count: > 0 }));
                    break;
                case JsonValue value when value.TryGetValue(out string? text) && (text == SecretAnswers.Hidden || HoldsMark(text)):
                    var meant = (same ? [before![index]] : before ?? []).Where(one => HideValue(one) is PlistString { Value: var shown } && shown == text && !ReferenceEquals(shown, (one as PlistString)?.Value))
                        .DistinctBy(one => JsonText(one)).Take(2).ToList();
                    if (meant.Count == 1)
                        items[index] = Json(meant[0]);
                    else if (meant.Count > 1 || HoldsMark(text))
                        throw new CommandFieldException(at, meant.Count > 1 ? Unsure : AddressChanged);
                    break;
            }
        }
    }

    /// <summary>
    /// The item that each one was: the payload of the same identifier or UUID; else one that looks the same; else the only one of its type that there was and
    /// is. A secret must never move to another item, so whatever is not certain has no partner.
    /// </summary>
    private static PlistDictionary?[] Pairs(JsonArray items, PlistArray? before, Scope scope)
    {
        var pairs = new PlistDictionary?[items.Count];
        if (before is null)
            return pairs;
        var old = before.OfType<PlistDictionary>().ToList();
        var byIdentifier = old.ToLookup(one => one.GetString("PayloadIdentifier") ?? "", StringComparer.Ordinal);
        var byUuid = old.ToLookup(one => one.GetString("PayloadUUID") ?? "", StringComparer.OrdinalIgnoreCase);
        var taken = new HashSet<PlistDictionary>(ReferenceEqualityComparer.Instance);
        var unnamed = new List<int>();
        for (var index = 0; index < items.Count; index++)
        {
            if (items[index] is not JsonObject item)
                continue;
            var (identifier, uuid) = (Text(item, "PayloadIdentifier"), Text(item, "PayloadUUID"));
            if (identifier is null && uuid is null)
            {
                unnamed.Add(index);
            }
            else if ((identifier is not null ? byIdentifier[identifier] : byUuid[uuid!]).Take(2).ToList() is [var was]
                && was.GetString(PayloadType) == Text(item, PayloadType) && (uuid is null || byUuid[uuid].All(one => ReferenceEquals(one, was))) && taken.Add(was))
            {
                pairs[index] = was;
            }
        }

        // Identifiers are made where there are none: they tell nothing here.
        var alike = old.Where(one => !taken.Contains(one)).GroupBy(one => Unnamed(Json(Hide(one, scope)))).ToDictionary(group => group.Key, group => group.ToList(), StringComparer.Ordinal);
        foreach (var group in unnamed.GroupBy(index => Unnamed(items[index])))
        {
            if (!alike.TryGetValue(group.Key, out var candidates) || (candidates.Count != group.Count() && candidates.Select(one => Unnamed(Json(one))).Distinct(StringComparer.Ordinal).Count() > 1))
                continue;
            foreach (var (index, was) in group.Zip(candidates))
                pairs[index] = was;
        }

        foreach (var index in unnamed.Where(index => pairs[index] is null))
        {
            var type = Text((JsonObject)items[index]!, PayloadType);
            if (old.Where(one => one.GetString(PayloadType) == type).Take(2).ToList() is [var only] && !taken.Contains(only)
                && items.OfType<JsonObject>().Where(one => Text(one, PayloadType) == type).Take(2).Count() == 1)
            {
                pairs[index] = only;
            }

            if (unnamed.Count > MostLookedFor)
                break;
        }

        return pairs;
    }

    /// <summary>In longer lists, nothing is the only one of its type.</summary>
    private const int MostLookedFor = 1000;

    private static bool IsHiddenWhole(PlistNode was) => HideValue(was) is PlistString { Value: SecretAnswers.Hidden } && was is not PlistString { Value: SecretAnswers.Hidden };

    private static JsonNode? Json(PlistNode node)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream))
            PlistJson.Write(writer, node);
        return JsonNode.Parse(stream.ToArray());
    }

    private static string Unnamed(JsonNode? item)
    {
        var rest = (JsonObject)item!.DeepClone();
        foreach (var made in (ReadOnlySpan<string>)["PayloadIdentifier", "PayloadUUID", "PayloadVersion"])
            rest.Remove(made);
        return Canonical(rest);
    }

    /// <summary>The same for what means the same: keys in order, numbers by their values.</summary>
    private static string Canonical(JsonNode? node)
    {
        var text = new StringBuilder();
        Write(node);
        return text.ToString();

        void Write(JsonNode? one)
        {
            switch (one)
            {
                case JsonObject json:
                    text.Append('{');
                    foreach (var (key, value) in json.OrderBy(entry => entry.Key, StringComparer.Ordinal))
                    {
                        text.Append(JsonEncodedText.Encode(key)).Append(':');
                        Write(value);
                        text.Append(',');
                    }

                    text.Append('}');
                    break;
                case JsonArray list:
                    text.Append('[');
                    foreach (var item in list)
                    {
                        Write(item);
                        text.Append(',');
                    }

                    text.Append(']');
                    break;
                case JsonValue number when number.GetValueKind() == JsonValueKind.Number && number.TryGetValue(out decimal value):
                    text.Append(value.ToString("G29", CultureInfo.InvariantCulture));
                    break;
                default:
                    text.Append(one?.ToJsonString() ?? "null");
                    break;
            }
        }
    }

    private static string? Text(JsonObject json, string key) => json[key] is JsonValue value && value.TryGetValue(out string? text) ? text : null;

    /// <summary>A scalar as JSON shows it.</summary>
    private static string JsonText(PlistNode node) => node switch
    {
        PlistString text => text.Value,
        PlistData data => Convert.ToBase64String(data.Value),
        PlistDate date => PlistScalars.FormatDate(date.Value),
        _ => "",
    };
}
