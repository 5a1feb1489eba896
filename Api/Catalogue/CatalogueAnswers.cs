using System.Buffers.Text;
using System.Collections.Frozen;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using FleetMdm.Api.Rest;
using FleetMdm.Protocol.Catalogue;
using Microsoft.Net.Http.Headers;

namespace FleetMdm.Api.Catalogue;

/// <summary>The answers of this room: written when the first is asked for, and then the same bytes for everybody. Immutable.</summary>
internal sealed class CatalogueAnswers
{
    private readonly Lazy<Answers> _commands = new(() => Answers.Of(
        AppleCatalogue.Instance.Commands.Values.OrderBy(type => type.Name, StringComparer.Ordinal).Select(CommandTypeView.Of),
        view => view.RequestType, AdminJson.Default.CommandTypeView, AdminJson.Default.PageCommandTypeView, views => views[0]));

    private readonly Lazy<Answers> _payloads = new(() => Answers.Of(
        AppleCatalogue.Instance.Payloads.Values.SelectMany(variants => variants).OrderBy(type => type.Name, StringComparer.Ordinal).Select(PayloadTypeView.Of),
        view => view.PayloadType, AdminJson.Default.PagePayloadTypeView, AdminJson.Default.PagePayloadTypeView, views => new Page<PayloadTypeView>(views, null)));

    public Answers Commands => _commands.Value;

    public Answers Payloads => _payloads.Value;
}

/// <summary>A list and its entries by name, as bytes.</summary>
internal sealed record Answers(Answer All, FrozenDictionary<string, Answer> ByName)
{
    public static Answers Of<TView, TAlone>(
        IEnumerable<TView> views, Func<TView, string> name, JsonTypeInfo<TAlone> alone, JsonTypeInfo<Page<TView>> all, Func<IReadOnlyList<TView>, TAlone> one)
    {
        List<TView> list = [.. views];
        return new Answers(
            Answer.Of(new Page<TView>(list, null), all),
            list.GroupBy(name).ToFrozenDictionary(group => group.Key, group => Answer.Of(one([.. group]), alone), StringComparer.Ordinal));
    }
}

/// <param name="Tag">Of the bytes: another version of the server may have others.</param>
internal sealed record Answer(byte[] Json, EntityTagHeaderValue Tag)
{
    public static Answer Of<T>(T value, JsonTypeInfo<T> type)
    {
        var json = JsonSerializer.SerializeToUtf8Bytes(value, type);
        return new Answer(json, new EntityTagHeaderValue($"\"{Base64Url.EncodeToString(SHA256.HashData(json).AsSpan(0, 16))}\""));
    }
}
