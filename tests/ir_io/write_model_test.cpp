#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "ir/core/check.h"
#include "ir/ops/op_table.h"
#include "tests/ir_io/temp_folder.h"
#include "tests/ir_io/wire_builder.h"

TEST_SUITE_BEGIN("write_model_test");

namespace onnxopt {
namespace {

using namespace test;
namespace fs = std::filesystem;

Tensor floats(std::int64_t n, float value) { return Tensor::of<float>({n}, std::vector<float>(static_cast<std::size_t>(n), value)); }

// Adds of two constants each, so that nothing else matters.
std::unique_ptr<Model> constants_model(const std::vector<Tensor>& tensors, std::int64_t ir = 8) {
  auto m = std::make_unique<Model>();
  m->ir_version = ir;
  m->opsets = {{"", 17}};
  Graph& g = m->graph();
  g.name = "g";
  Value* sum = &g.add_input("x", Type::tensor(DType::float32));
  for (const Tensor& t : tensors) sum = g.append(*find_op("", "Add", 17), {sum, &g.add_constant("w", t)}).output();
  g.add_output(*sum);
  sum->set_name("y", true);
  return m;
}

std::vector<std::string> constant_names(const Graph& g) {
  std::vector<std::string> names;
  for (const Value* v : g.constants()) names.push_back(v->name());
  return names;
}

TEST_CASE("names chosen by us become unique; names of the file stay") {
  auto m = constants_model({floats(1, 1), floats(1, 2), floats(1, 3)});
  m->graph().constants()[1]->set_name("w", true);
  const auto again = read(serialize_model(*m));
  CHECK(constant_names(again->graph()) == std::vector<std::string>{"w_1", "w", "w_2"});
  CHECK(again->graph().inputs()[0]->name() == "x");
  CHECK(again->graph().outputs()[0]->name() == "y");
  CHECK(serialize_model(*m) == serialize_model(*m));
}

TEST_CASE("an inner name gives way if it would hide an outer value that its graph reads") {
  const Wire inner = Wire().add(1, node("Relu", {"a"}, {"r"})).add(1, node("Neg", {"r"}, {"s"})).add(12, value_info("s"));
  const Wire branch = Wire().bytes(1, "then_branch").add(6, inner).number(20, 5);
  const Wire g = Wire()
                     .add(1, node("Abs", {"x"}, {"a"}))
                     .add(1, node("If", {"c"}, {"y"}).add(5, branch))
                     .add(11, value_info("x"))
                     .add(11, value_info("c"))
                     .add(12, value_info("y"));
  const auto m = read(model(g));
  Graph& sub = *m->graph().last()->subgraphs()[0];
  sub.first()->output()->set_name("a", true);
  const auto again = read(serialize_model(*m));
  const Graph& sub2 = *again->graph().last()->subgraphs()[0];
  CHECK(sub2.first()->input(0)->graph() == &again->graph());
  CHECK(sub2.first()->input(0)->name() == "a");
  CHECK(sub2.first()->output()->name() != "a");
  CHECK(sub2.last()->input(0) == sub2.first()->output());
}

TEST_CASE("an initializer of one branch gives way where the other branch reads the outer value of its name") {
  const Wire w = Wire().number(1, 1).number(2, 1).bytes(8, "w").bytes(9, "abcd");
  const auto branch = [](std::string_view name, const Wire& graph) { return Wire().bytes(1, name).add(6, graph).number(20, 5); };
  const Wire own = Wire().add(1, node("Add", {"x", "w"}, {"r"})).add(5, w).bytes(2, "t").add(12, value_info("r"));
  const auto all = [&](std::string_view read_by_other) {
    const Wire other = Wire().add(1, node("Add", {"x", read_by_other}, {"s"})).bytes(2, "e").add(12, value_info("s"));
    return model(Wire()
                     .add(1, node("If", {"c"}, {"y"}).add(5, branch("then_branch", own)).add(5, branch("else_branch", other)))
                     .add(5, w)
                     .add(11, value_info("x"))
                     .add(11, value_info("c"))
                     .add(12, value_info("y")));
  };
  CHECK(has(refusal(all("w")), "initializer 'w' of inner graph 't' has the name of an outer value that the same node reads"));
  const auto m = read(all("x"));
  Graph& other = *m->graph().last()->subgraphs()[1];
  other.set_input(*other.first(), 1, m->graph().constants()[0]);  // as a pass may do
  const auto again = read(serialize_model(*m));                   // is not refused
  CHECK(again->graph().constants()[0]->name() == "w");
  CHECK(again->graph().last()->subgraphs()[0]->constants()[0]->name() != "w");
}

TEST_CASE("shadowing of a name that nobody inside reads stays as the file has it") {
  const Wire inner = Wire().add(1, node("Relu", {"x"}, {"a"})).add(12, value_info("a"));
  const Wire g = Wire()
                     .add(1, node("Abs", {"x"}, {"a"}))
                     .add(1, node("If", {"c"}, {"y"}).add(5, Wire().bytes(1, "then_branch").add(6, inner).number(20, 5)))
                     .add(11, value_info("x"))
                     .add(11, value_info("c"))
                     .add(12, value_info("y"))
                     .add(12, value_info("a"));
  const auto again = read(serialize_model(*read(model(g))));
  CHECK(again->graph().last()->subgraphs()[0]->first()->output()->name() == "a");
}

TEST_CASE("constants that were Constant nodes are such nodes again, right before their first reader") {
  auto m = constants_model({floats(1, 1), Tensor::scalar<float>(2)});
  const auto record = [](const char* node_name, const char* attr) {
    ConstantNodeRecord r;
    r.node_name = node_name;
    r.attr_name = attr;
    return std::make_shared<const ConstantNodeRecord>(std::move(r));
  };
  m->graph().constants()[0]->make_extra().constant_node = record("first", "value_floats");
  m->graph().constants()[1]->make_extra().constant_node = record("second", "value_float");
  const auto again = read(serialize_model(*m));
  std::string order;
  for (const Node& n : again->graph().nodes()) order += std::string(n.op().name) + " ";
  CHECK(order == "Constant Add Constant Add ");
  CHECK(again->graph().first()->name == "first");
  CHECK(again->graph().first()->attr<Floats>("value_floats") == Floats{1});
  CHECK(again->graph().last()->prev()->attr<float>("value_float") == 2);
  m->opsets = {{"", 11}};  // value_floats does not exist yet
  CHECK(read(serialize_model(*m))->graph().first()->attrs().get<Tensor>("value"));
}

TEST_CASE("IR version 3 lists new initializers as inputs") {
  const auto m = read(serialize_model(*constants_model({floats(1, 1)}, 3)));
  REQUIRE(m->graph().inputs().size() == 2);
  CHECK(m->graph().inputs()[1]->constant());
  CHECK(read(serialize_model(*constants_model({floats(1, 1)}, 4)))->graph().inputs().size() == 1);
}

TEST_CASE("constants in function bodies are Constant nodes, and the body imports ai.onnx for them") {
  const Wire function = Wire()
                            .bytes(1, "f")
                            .bytes(4, "a")
                            .bytes(5, "b")
                            .add(7, node("Op", {"a"}, {"b"}).bytes(7, "custom"))
                            .add(9, opset(1, "custom"))
                            .bytes(10, "local");
  const auto m =
      read(model(Wire().add(1, node("f", {"x"}, {"y"}).bytes(7, "local")).add(11, value_info("x")).add(12, value_info("y"))).add(25, function));
  Graph& body = *m->functions[0]->body;
  body.set_input(*body.first(), 1, &body.add_constant("k", floats(2, 7)));
  const auto again = read(serialize_model(*m));
  const Graph& body2 = *again->functions[0]->body;
  CHECK(body2.first()->is("Constant"));
  CHECK(again->functions[0]->opsets.size() == 2);
  CHECK(body2.last()->input(1) == body2.first()->output());
}

TEST_CASE("value_info that inference contradicts is replaced") {
  const auto m = read(model(relu_graph().add(1, node("Neg", {"y"}, {"z"})).add(13, value_info("z").bytes(3, "doc"))));
  Value& z = *m->graph().last()->output();
  z.type = Type::tensor(DType::int64, Dims{3});
  const auto again = read(serialize_model(*m));
  const ValueExtra& extra = *again->graph().last()->output()->extra();
  CHECK(extra.declared == Type::tensor(DType::int64, Dims{3}));
  CHECK(extra.doc_string == "doc");
}

TEST_CASE("external data: alignment, equal tensors once, small ones inside") {
  const TempFolder dir;
  const auto m = constants_model({floats(1000, 1), floats(300000, 2), floats(10, 3), floats(300000, 2), floats(1000, 4)});
  WriteOptions options;
  options.external_data = "";
  const WriteResult r = write_model(*m, dir / "m.onnx", options);
  CHECK(r.external_file == "m.onnx.data");
  CHECK(fs::file_size(dir / "m.onnx.data") == 65536 + 1200000 + 4000 + 0);
  CHECK(r.external_bytes == fs::file_size(dir / "m.onnx.data"));
  const auto again = read_model(dir / "m.onnx");
  const auto constants = again->graph().constants();
  for (std::size_t i = 0; i < constants.size(); ++i) CHECK(constants[i]->constant()->same_content(*m->graph().constants()[i]->constant()));
  CHECK(constants[1]->constant()->file_range()->offset == 65536);
  CHECK(constants[3]->constant()->file_range()->offset == 65536);
  CHECK(constants[4]->constant()->file_range()->offset == 65536 + 1200000);
}

TEST_CASE("external data: the same write twice gives the same files; another one never touches the old data") {
  const TempFolder dir;
  WriteOptions options;
  options.external_data = "weights.bin";
  const auto one = constants_model({floats(1000, 1)}), two = constants_model({floats(1000, 2)});
  CHECK(write_model(*one, dir / "m.onnx", options).external_file == "weights.bin");
  const std::string first = dir.content("m.onnx");
  const WriteResult again = write_model(*one, dir / "m.onnx", options);
  CHECK(again.external_reused);
  CHECK(dir.content("m.onnx") == first);
  const std::string data = dir.content("weights.bin");
  CHECK(write_model(*two, dir / "m.onnx", options).external_file == "weights.bin.1");
  CHECK(dir.content("weights.bin") == data);
  CHECK(read_model(dir / "m.onnx")->graph().constants()[0]->constant()->data<float>()[0] == 2);
  CHECK(write_model(*two, dir / "m.onnx", options).external_reused);
  CHECK(dir.names() == std::vector<std::string>{"m.onnx", "weights.bin", "weights.bin.1"});
}

TEST_CASE("writing a model over the file whose weights it still views") {
  const TempFolder dir;
  write_model(*constants_model({floats(1000, 1)}), dir / "m.onnx");
  const auto m = read_model(dir / "m.onnx");
  REQUIRE(m->graph().constants()[0]->constant()->file_range());
  m->doc_string = std::string(5000, 'd');
  write_model(*m, dir / "m.onnx");
  CHECK(read_model(dir / "m.onnx")->graph().constants()[0]->constant()->same_content(floats(1000, 1)));
  CHECK(same_file(dir / "m.onnx", dir / "." / "m.onnx"));
  CHECK(!same_file(dir / "m.onnx", dir / "other.onnx"));
}

TEST_CASE("failure leaves the old file and nothing else") {
  const TempFolder dir;
  write_model(*constants_model({floats(1, 1)}), dir / "m.onnx");
  const std::string before = dir.content("m.onnx");
  WriteOptions options;
  options.external_data = "";
  options.external_threshold = 0;
  options.before_commit = [](const fs::path&) { bad_input("not good enough"); };
  CHECK_THROWS_WITH(write_model(*constants_model({floats(2000, 2)}), dir / "m.onnx", options), "not good enough");
  CHECK(dir.content("m.onnx") == before);
  CHECK(dir.names() == std::vector<std::string>{"m.onnx"});
}

TEST_CASE("targets that cannot be written get one clear line") {
  const TempFolder dir;
  const auto m = constants_model({floats(1, 1)});
  const auto why = [&](const fs::path& target) {
    try {
      write_model(*m, target);
    } catch (const Error& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  CHECK(has(why(dir / "no" / "m.onnx"), "does not exist"));
  CHECK(has(why(dir.path()), "is a folder"));
  WriteOptions options;
  options.external_data = "../w.bin";
  CHECK_THROWS_AS(write_model(*m, dir / "m.onnx", options), Error);
  write_model(*m, "/dev/null");  // written into, not replaced
  struct stat info;
  REQUIRE(::stat("/dev/null", &info) == 0);
  CHECK(S_ISCHR(info.st_mode));
}

TEST_CASE("a name of an open file is written through, from where that file stands") {
  const TempFolder dir;
  const int fd = ::open((dir / "log").c_str(), O_CREAT | O_WRONLY, 0600);
  REQUIRE(::write(fd, "before", 6) == 6);
  const fs::path own = "/proc/self/fd/" + std::to_string(fd);
  const auto m = constants_model({floats(1, 1)});
  fs::create_symlink(own, dir / "link");
  fs::create_symlink("link", dir / "link to link");
  write_model(*m, own);
  write_model(*m, dir / "link to link");
  ::close(fd);
  CHECK(dir.content("log") == "before" + serialize_model(*m) + serialize_model(*m));
  CHECK(fs::is_symlink(dir / "link"));
  CHECK(fs::is_symlink(dir / "link to link"));
}

TEST_CASE("a file that is replaced keeps its access rights; one that may not be written is not replaced") {
  const TempFolder dir;
  dir.write("m.onnx", "old");
  fs::permissions(dir / "m.onnx", fs::perms::owner_read | fs::perms::owner_write);
  write_model(*constants_model({floats(1, 1)}), dir / "m.onnx");
  CHECK(fs::status(dir / "m.onnx").permissions() == (fs::perms::owner_read | fs::perms::owner_write));
  CHECK(dir.content("m.onnx") != "old");
  if (::geteuid() == 0) return;  // who may write everything is refused nothing
  fs::permissions(dir / "m.onnx", fs::perms::owner_read);
  const std::string before = dir.content("m.onnx");
  CHECK_THROWS_WITH(write_model(*constants_model({floats(9, 2)}), dir / "m.onnx"), doctest::Contains("Permission denied"));
  CHECK(dir.content("m.onnx") == before);
}

TEST_CASE("a link as target is replaced, what it points to stays") {
  const TempFolder dir;
  dir.write("blob", "precious");
  fs::create_symlink(dir / "blob", dir / "m.onnx");
  write_model(*constants_model({floats(1, 1)}), dir / "m.onnx");
  CHECK(dir.content("blob") == "precious");
  CHECK(!fs::is_symlink(dir / "m.onnx"));
}

TEST_CASE("weights of a run that may still fail are not shared with another run") {
  const TempFolder dir;
  const auto m = constants_model({floats(4096, 1)});
  WriteOptions options;
  options.external_data = "w.bin";
  WriteOptions failing = options;
  failing.before_commit = [&](const fs::path&) {  // as from another process, at the worst moment
    CHECK(write_model(*m, dir / "other.onnx", options).external_file == "w.bin.1");
    throw Error(ExitCode::gate_failed, "differs");
  };
  CHECK_THROWS_AS(write_model(*m, dir / "m.onnx", failing), Error);
  CHECK(!fs::exists(dir / "w.bin"));
  CHECK(fs::hard_link_count(dir / "w.bin.1") == 1);
  CHECK(write_model(*m, dir / "m.onnx", options).external_file == "w.bin");
  CHECK(write_model(*m, dir / "n.onnx", options).external_file == "w.bin");  // now it is finished

  CHECK(dir.names().size() == 5);
}

TEST_CASE("the longest name that a file may have") {
  const TempFolder dir;
  const auto m = constants_model({floats(4096, 1)});
  std::string name;
  while (name.size() < 248) name += "\u00e9";
  name += "x.onnx";
  REQUIRE(name.size() == 254);
  write_model(*m, dir / name);
  CHECK(dir.content(name) == serialize_model(*m));
  WriteOptions options;
  options.external_data = "";
  const std::string data = write_model(*m, dir / name, options).external_file;
  CHECK(data.size() == 245);
  CHECK(fs::exists(dir / data));
  CHECK_THROWS_WITH(write_model(*m, dir / ("xxx" + name)), doctest::Contains("File name too long"));
}

}  // namespace
}  // namespace onnxopt

TEST_SUITE_END();
