using System.Collections;
using FleetMdm.Protocol.Plist;

namespace FleetMdm.Protocol.Tests.Plist;

public sealed class PlistNodeTests
{
    [Fact]
    public void Getters_answer_null_for_absent_keys_and_for_other_types()
    {
        var dictionary = new PlistDictionary { ["text"] = "a", ["flag"] = true };
        Assert.Null(dictionary.GetString("absent"));
        Assert.Null(dictionary.GetString("flag"));
        Assert.Null(dictionary.GetBoolean("text"));
        Assert.Null(dictionary.GetInteger("text"));
        Assert.Null(dictionary.GetReal("text"));
        Assert.Null(dictionary.GetReal("absent"));
        Assert.Null(dictionary.GetData("text"));
        Assert.Null(dictionary.GetDate("text"));
        Assert.Null(dictionary.GetArray("text"));
        Assert.Null(dictionary.GetDictionary("text"));
        Assert.True(dictionary.TryGetValue("flag", out var node) && node is PlistBoolean);
        Assert.True(dictionary.TryGet<PlistString>("text", out var text) && text.Value == "a");
        Assert.False(dictionary.TryGet<PlistString>("flag", out _));
    }

    [Fact]
    public void A_key_keeps_its_place_when_its_value_is_replaced()
    {
        var dictionary = new PlistDictionary { ["a"] = 1, ["b"] = 2 };
        dictionary["a"] = 3;
        Assert.Equal(["a", "b"], dictionary.Select(entry => entry.Key));
        Assert.Equal(3, dictionary.GetInteger("a"));
        Assert.True(dictionary.Remove("a"));
        Assert.False(dictionary.ContainsKey("a"));
        Assert.Throws<KeyNotFoundException>(() => dictionary["a"]);
    }

    [Fact]
    public void A_key_is_added_once()
    {
        var dictionary = new PlistDictionary();
        dictionary.Add("a", 1);
        Assert.Throws<ArgumentException>(() => dictionary.Add("a", 2));
        Assert.False(dictionary.TryAdd("a", 2));
        Assert.Equal(1, dictionary.GetInteger("a"));
    }

    [Fact]
    public void Nothing_takes_null_for_a_value()
    {
        Assert.Throws<ArgumentNullException>(() => new PlistString(null!));
        Assert.Throws<ArgumentNullException>(() => new PlistData(null!));
        Assert.Throws<ArgumentNullException>(() => new PlistArray { (PlistNode)null! });
        Assert.Throws<ArgumentNullException>(() => new PlistDictionary { ["a"] = null! });
        Assert.Throws<ArgumentNullException>(() => new PlistDictionary().TryAdd("a", null!));
    }

    [Fact]
    public void Integers_beyond_64_bits_cannot_be_made()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new PlistInteger((Int128)ulong.MaxValue + 1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new PlistInteger((Int128)long.MinValue - 1));
    }

    [Fact]
    public void Collections_can_be_enumerated_without_their_type()
    {
        var array = PlistArray.OfStrings(["a", "b"]);
        Assert.Equal("b", ((PlistString)array[1]).Value);
        Assert.Equal(2, ((IEnumerable)array).Cast<PlistString>().Count());
        Assert.Single(((IEnumerable)new PlistDictionary { ["a"] = 1 }).Cast<object>());
    }
}
